"""Splits that a file gives: row numbers by part, or a column that names the part of each row."""

import zipfile
import zlib
from itertools import combinations
from pathlib import Path

import numpy as np

from pipeline.config.rules import Split
from pipeline.data.rows import Rows
from pipeline.data.splits.column import distinct_values, first_three
from pipeline.data.splits.parts import NAMES, Splits
from pipeline.errors import DataError

PARTS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}


def from_column(rows: Rows, config: Split) -> Splits:
    """The parts that the column names.

    Args:
        rows: All rows.
        config: The section `data.split`.

    Raises:
        DataError: The column does not exist, has gaps or other values, or lacks one of the parts.
    """
    numbers, distinct = distinct_values(rows, config)
    named = np.array([PARTS.get(str(value).strip().lower(), "") for value in distinct])
    wrong = np.flatnonzero((named == "")[numbers])
    if len(wrong):
        raise DataError(
            f"data.split.column: {len(wrong)} values of column {config.column!r} are not among {', '.join(PARTS)}: "
            f"{first_three(wrong, rows)}; change them, or use another data.split.kind"
        )
    absent = [part for part in NAMES if part not in named]
    if absent:
        raise DataError(
            f"data.split.column: column {config.column!r} never has the value {' or '.join(absent)}; train, val and "
            "test need rows each: change some, or use another data.split.kind"
        )
    return Splits(**{part: np.flatnonzero((named == part)[numbers]) for part in NAMES})


def from_file(path: Path, n_rows: int, row_numbers: np.ndarray | None) -> Splits:
    """The parts that an .npz lists.

    Args:
        path: The .npz.
        n_rows: Number of rows.
        row_numbers: `(n_rows,)`, of each row through all files, ascending; None if all rows are there.

    Raises:
        DataError: The file does not exist; or its row numbers are invalid, missing from the data, or in two parts.
    """
    path = path.expanduser()
    if not path.is_file():
        raise DataError(f"data.split.path: file {path} does not exist (looked for from {Path.cwd()})")
    parts = _read(path)
    for name, numbers in parts.items():
        _check_numbers(name, numbers, np.arange(n_rows) if row_numbers is None else row_numbers)
    for one, other in combinations(NAMES, 2):
        common = np.intersect1d(parts[one], parts[other])
        if len(common):
            raise DataError(f"data.split.path: {len(common)} rows are in both {one} and {other}, first row {common[0]}")
    if row_numbers is not None:
        parts = {name: np.searchsorted(row_numbers, numbers) for name, numbers in parts.items()}
    return Splits(**{name: numbers.astype(np.int64) for name, numbers in parts.items()})


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by the names of the parts."""
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in NAMES if name not in file]
            if missing:
                raise DataError(f"data.split.path: {path} lacks {', '.join(missing)}; it has {', '.join(file)}")
            return {name: file[name] for name in NAMES}
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"data.split.path: {path} cannot be read as .npz: {error}") from None


def _check_numbers(name: str, numbers: np.ndarray, there: np.ndarray) -> None:
    """Raises DataError if a part names a row twice, or a row that does not exist."""
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise DataError(f"data.split.path: {name} must be a list of whole row numbers, got {numbers.dtype}")
    wrong = numbers[~np.isin(numbers, there)]
    if len(wrong) and 0 <= wrong[0] < there[-1]:
        raise DataError(
            f"data.split.path: {name} names {len(wrong)} rows without a target, first row {wrong[0]}; leave them "
            "out of the .npz as well: rows that no part names are left out"
        )
    if len(wrong):
        raise DataError(f"data.split.path: {name} names row {wrong[0]}, but the data have rows 0 to {there[-1]}")
    if len(np.unique(numbers)) < len(numbers):
        raise DataError(f"data.split.path: {name} names a row twice")
