"""The data stage: raw rows in; splits, fitted preprocessing and float32 arrays out."""

from pipeline.data.checks import Report, report
from pipeline.data.dataset import arrays, load, scored, split
from pipeline.data.identifiers import identifiers
from pipeline.data.preprocessing.preprocessing import Arrays, Preprocessing, fit_preprocessing, without_useless
from pipeline.data.preprocessing.scaling import Scaler
from pipeline.data.reading import Reading
from pipeline.data.reading.raw import Raw, Text
from pipeline.data.rows import Rows, Target
from pipeline.data.splits import Splits

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
