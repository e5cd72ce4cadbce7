"""The data stage: raw rows in; splits, fitted preprocessing and float32 arrays out."""

from pipeline.data.loading import arrays, load, scored, split
from pipeline.data.names import identifiers
from pipeline.data.preprocessing import Arrays, Preprocessing, fit_preprocessing, without_useless
from pipeline.data.raw import Raw, Text
from pipeline.data.report import Report, report
from pipeline.data.rows import Rows, Target
from pipeline.data.scaling import Scaler
from pipeline.data.splits import Splits
from pipeline.data.tables import Reading

__all__ = [
    "Arrays",
    "Preprocessing",
    "Raw",
    "Reading",
    "Report",
    "Rows",
    "Scaler",
    "Splits",
    "Target",
    "Text",
    "arrays",
    "fit_preprocessing",
    "identifiers",
    "load",
    "report",
    "scored",
    "split",
    "without_useless",
]
