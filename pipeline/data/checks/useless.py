"""Columns that a network learns nothing from: constant, a copy of another, or unique in every row."""

import logging
from collections.abc import Mapping

import numpy as np

from pipeline.config.rules import Data, Kind
from pipeline.data.checks.levels import hashes, levels
from pipeline.data.dataset import Dataset
from pipeline.data.preprocessing.column_kinds import kinds_of
from pipeline.data.reading.raw_columns import RawColumn, TextArray, is_constant
from pipeline.data.reading.suggest_formats import formats_that_read
from pipeline.data.reading.unread import unread_as
from pipeline.data.rows import Rows
from pipeline.errors import DataError

log = logging.getLogger(__name__)

DISTINCT_SHARE = 0.98  # of the rows; from this share on, values identify rows
# With fewer rows, measurements too may all differ by chance.
MIN_ROWS_OF_TEXT, MIN_ROWS_OF_NUMBERS = 20, 100
ROWS_TO_LOOK_AT_FIRST, SHARE_OF_FEW = 1_000, 0.9


def useless(rows_of_training: Rows, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Finds the columns that can be left out, judged by the training rows alone.

    The first of several equal columns stays. Dates never count as identifiers: their calendar is informative.

    Args:
        rows_of_training: Raw rows; the result is empty for an array without column names.
        kinds: Kind by column.

    Returns:
        The reason by column: `constant`, `empty`, `same as column 'a'` or `identifier-like: ...`.
    """
    reasons: dict[str, str] = {}
    kept: dict[bytes, list[str]] = {}  # by the values of a few rows
    for name, column in rows_of_training.inputs.items():
        if column.ndim == 2:
            continue
        if is_constant(column):
            reasons[name] = "empty" if _is_empty(column[:1]) else "constant"
            continue
        alike = kept.setdefault(hashes(_few(column)).tobytes(), [])
        earlier = [other for other in alike if _equal(column, rows_of_training.inputs[other])]
        if earlier:
            reasons[name] = f"same as column {earlier[0]!r}"
            continue
        alike.append(name)
        if is_identifier(column, kinds[name]):
            reasons[name] = "identifier-like: a value of its own in nearly every row"
    return reasons


def without_useless(dataset: Dataset, config: Data) -> Dataset:
    """Leaves out the useless columns if `data.drop_useless` is set and columns have names.

    Args:
        dataset: All rows.
        config: The data section.

    Raises:
        DataError: No column is left.
    """
    training = dataset.part("train")
    if not config.drop_useless or any(column.ndim == 2 for column in training.inputs.values()):
        return dataset
    found = useless(training, kinds_of(training.inputs, config))
    for name, reason in found.items():
        log.info("data.drop_useless: column %r is left out: %s", name, reason)
    if len(found) == len(training.inputs):
        raise DataError("data.drop_useless: no input columns are left; set data.drop_useless=false")
    return dataset.without(found)


def is_identifier(column: RawColumn, kind: Kind) -> bool:
    """Whether the column is text or whole numbers that differ in nearly every row that has a value.

    Args:
        column: All values of a raw column.
        kind: Its kind.
    """
    if kind in ("date", "boolean") or _repeats(_few(column)):
        return False
    if isinstance(column, TextArray):
        found = levels(column)
        if formats_that_read(found.values) or unread_as(found.values):  # other settings can read these
            return False
        n_distinct, n_present, fewest = len(found.values), int((found.codes >= 0).sum()), MIN_ROWS_OF_TEXT
    else:
        present = column[~np.isnan(column)]
        if not (present == np.floor(present)).all():
            return False
        n_distinct, n_present, fewest = n_distinct_numbers(np.sort(present)), len(present), MIN_ROWS_OF_NUMBERS
    return n_present >= fewest and n_distinct >= DISTINCT_SHARE * n_present


def _is_empty(column: RawColumn) -> bool:
    return bool((column.gaps() if isinstance(column, TextArray) else np.isnan(column)).all())


def _few(column: RawColumn) -> RawColumn:
    """A few rows that distinguish most columns; evenly spaced, because neighbours are often alike."""
    return column[:: max(1, len(column) // ROWS_TO_LOOK_AT_FIRST)]


def _repeats(few: RawColumn) -> bool:
    """Whether a few rows repeat values so often that all rows must."""
    found = levels(few)
    return len(found.values) < SHARE_OF_FEW * (found.codes >= 0).sum()


def _equal(column: RawColumn, other: RawColumn) -> bool:
    if isinstance(column, TextArray) and isinstance(other, TextArray):
        one, another = column.used(), other.used()
        return np.array_equal(one.codes, another.codes) and np.array_equal(one.levels, another.levels)
    if isinstance(column, TextArray) or isinstance(other, TextArray):
        return False
    return np.array_equal(column, other, equal_nan=True)


def n_distinct_numbers(ordered: np.ndarray) -> int:
    """Counts the distinct values of sorted numbers."""
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(len(ordered))
