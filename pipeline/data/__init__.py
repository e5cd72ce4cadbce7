"""The data stage: raw rows in; splits, fitted preprocessing and float32 arrays out."""

from pipeline.data.checks import Report, leak_advice, report, without_useless
from pipeline.data.dataset import Dataset, InMemory
from pipeline.data.identifiers import identifiers
from pipeline.data.load_dataset import load, read_rows
from pipeline.data.preprocessing.preprocessing import Arrays, Preprocessing, fit_preprocessing
from pipeline.data.preprocessing.scaling import Scaler
from pipeline.data.reading import Reading
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.row_hashes import RowHashes
from pipeline.data.rows import Rows
from pipeline.data.splits import Splits, split
from pipeline.data.target import Target

__all__ = [
    "Arrays",
    "Dataset",
    "InMemory",
    "Preprocessing",
    "RawColumn",
    "Reading",
    "Report",
    "RowHashes",
    "Rows",
    "Scaler",
    "Splits",
    "Target",
    "TextArray",
    "fit_preprocessing",
    "identifiers",
    "leak_advice",
    "load",
    "read_rows",
    "report",
    "split",
    "without_useless",
]
