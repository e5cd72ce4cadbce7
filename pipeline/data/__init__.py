"""The data stage: raw rows in; splits, fitted preprocessing and float32 arrays out."""

from pipeline.data.names import identifiers
from pipeline.data.preprocessing import Arrays, Preprocessing, fit_preprocessing, without_useless
from pipeline.data.report import Report, report
from pipeline.data.rows import Rows, Target, load
from pipeline.data.scaling import Scaler
from pipeline.data.splits import Splits, split
from pipeline.data.tables import Reading

__all__ = [
    "Arrays",
    "Preprocessing",
    "Reading",
    "Report",
    "Rows",
    "Scaler",
    "Splits",
    "Target",
    "fit_preprocessing",
    "identifiers",
    "load",
    "report",
    "split",
    "without_useless",
]
