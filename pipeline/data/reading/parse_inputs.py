"""Columns of values as a model takes them, read as `input_column.py` describes; every MLflow model carries a copy.

For that reason this file imports only numpy and pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pipeline.data.reading.input_column import InputColumn

Wrong = dict[int, str]  # the problem by row

NUMBERS = {int, float, bool, NoneType}
TEXTS = {str, float, NoneType}  # a float may be a gap
FEW = 64  # up to so many values, reading each is quicker than finding the distinct ones
SHOWN_FAULTS = 5


@dataclass(frozen=True)
class Coded:
    """A column by its distinct values, each of which is read once."""

    codes: np.ndarray  # (n_rows,) whole numbers; -1 for a gap
    values: Sequence[Any]


@dataclass(frozen=True)
class Fault:
    """A value that a model cannot take."""

    row: int  # from 0
    column: str
    problem: str

    def __str__(self) -> str:
        return f"column {self.column!r}, row {self.row}: {self.problem}"


class ValuesError(ValueError):
    """Some values are invalid; `faults` has all of them, by row. The message has the first of some columns."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.row)
        by_column = {fault.column: fault for fault in reversed(self.faults)}
        shown = [fault for fault in self.faults if by_column[fault.column] is fault][:SHOWN_FAULTS]
        more = len(self.faults) - len(shown)
        super().__init__("; ".join(map(str, shown)) + (f"; and {more} more such values" if more else ""))


@dataclass(frozen=True)
class NewGaps:
    """Gaps in a column that had none in the training table."""

    column: str
    n_rows: int
    row: int  # of the first, from 0
    fill: float | str | None

    def __str__(self) -> str:
        filled = f"{self.fill:g}" if isinstance(self.fill, float) else self.fill
        counted = "a gap" if self.n_rows == 1 else f"{self.n_rows} gaps, the first"
        return f"column {self.column!r}: {counted} in row {self.row}, but training had none; replaced by {filled}"


@dataclass(frozen=True)
class Cleaned:
    """Columns as a model takes them."""

    columns: dict[str, np.ndarray]  # float64 with NaN for gaps, (n_rows,) or (n_rows, n); or `str` with "" for them
    new_gaps: tuple[NewGaps, ...]

    def require_known_gaps(self) -> None:
        """Raises ValuesError if columns have gaps that had none in training."""
        if self.new_gaps:
            said = "a gap, but training had none in this column"
            raise ValuesError(Fault(gaps.row, gaps.column, said) for gaps in self.new_gaps)


def clean(columns: Iterable[InputColumn], given: Mapping[str, Any], first_row: int = 0) -> Cleaned:
    """Converts values of columns to what a model takes.

    Args:
        columns: The model's columns.
        given: Values by column: a list, an array, a pandas series, or `Coded`. None, NaN and their like are gaps.
        first_row: Number of the first of these rows, for messages.

    Raises:
        ValuesError: Values are invalid; the error has each with its row and column.
    """
    found: dict[str, np.ndarray] = {}
    wrong: list[Fault] = []
    new_gaps: list[NewGaps] = []
    for column in columns:
        found[column.name], problems = _raw(column, given[column.name])
        wrong += [Fault(first_row + row, column.name, problem) for row, problem in problems.items()]
        if gaps := [] if column.gaps else _gap_rows(found[column.name]):
            new_gaps.append(NewGaps(column.name, len(gaps), first_row + gaps[0], column.fill))
    if wrong:
        raise ValuesError(wrong)
    return Cleaned(found, tuple(new_gaps))


def _raw(column: InputColumn, values: Any) -> tuple[np.ndarray, Wrong]:
    """A column as the model takes it, and the problems by row; a gap is one if nothing replaces it."""
    read = _array if column.width is not None else _texts if column.is_text else _numbers
    raw, problems = read(column, values)
    if column.fill is None and not column.gaps:
        problems = dict.fromkeys(_gap_rows(raw), "a gap, but training had none and nothing replaces it") | problems
    return raw, problems


def _gap_rows(raw: np.ndarray) -> list[int]:
    gaps = raw == "" if raw.dtype == object else np.isnan(raw)
    rows: list[int] = np.flatnonzero(gaps if gaps.ndim == 1 else gaps.any(axis=1)).tolist()
    return rows


def _numbers(column: InputColumn, values: Any) -> tuple[np.ndarray, Wrong]:
    numbers = _plain_numbers(values)
    if numbers is None:
        coded = _coded(values)
        written = _plainly_written(column, coded.values)
        if written is None:
            made, problems = _each(column.number_of, coded.values)
            return np.array([*made, np.nan], np.float64)[coded.codes], _by_row(problems, coded.codes)
        numbers = np.append(written, np.nan)[coded.codes]
    if column.marked_numbers:
        numbers = np.where(np.isin(numbers, column.marked_numbers), np.nan, numbers)
    impossible = np.flatnonzero(column.impossible(numbers))
    _, problems = _each(column.number_of, numbers[impossible])
    return numbers, dict(zip(impossible.tolist(), problems.values(), strict=True))


def _plain_numbers(values: Any) -> np.ndarray | None:
    """Numbers, if none needs to be examined by itself."""
    if isinstance(values, list) and set(map(type, values)) <= NUMBERS:
        try:
            return np.array(values, np.float64)
        except OverflowError:  # a whole number of more than 308 digits
            return None
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf" and values.ndim == 1:
        return values.astype(np.float64, copy=False)
    if isinstance(values, pd.Series) and values.dtype.kind in "biuf":
        return values.to_numpy(np.float64, na_value=np.nan)
    return None


def _plainly_written(column: InputColumn, values: Sequence[Any]) -> np.ndarray | None:
    """The numbers in many texts; None if one needs to be examined by itself."""
    if len(values) < FEW or not column.is_plain or set(map(type, values)) != {str}:
        return None
    if not (column.digits.issuperset(chain.from_iterable(values)) and column.marks.isdisjoint(values)):
        return None
    try:
        return np.array(values).astype(np.float64)
    except ValueError:
        return None


def _texts(column: InputColumn, values: Any) -> tuple[np.ndarray, Wrong]:
    coded = _coded(values)
    made, problems = _each(column.text_of, coded.values)
    return np.array([*made, ""], object)[coded.codes], _by_row(problems, coded.codes)


def _array(column: InputColumn, values: Any) -> tuple[np.ndarray, Wrong]:
    width = column.width or 0
    problems: Wrong = {}
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind in "biuf" and values.shape[1] == width:
        flat: Any = values.reshape(-1)
    else:
        rows, problems = _each(column.row_of, values)
        flat = list(chain.from_iterable(row or [0.0] * width for row in rows))
    numbers, wrong = _numbers(column, flat)
    first = {place // width: f"at {place % width}: {problem}" for place, problem in reversed(wrong.items())}
    return numbers.reshape(-1, width), first | problems


def _each(meaning: Callable[[Any], Any], values: Iterable[Any]) -> tuple[list[Any], Wrong]:
    """The meaning of each value, None if it has none, and the problems of these, by position."""
    made, problems = [], {}
    for place, value in enumerate(values):
        try:
            made.append(meaning(value))
        except ValueError as error:
            made.append(None)
            problems[place] = str(error)
    return made, problems


def _by_row(problems: Wrong, codes: np.ndarray) -> Wrong:
    """The problems of distinct values, for each row that has one."""
    return {row: problems[code] for row, code in enumerate(codes.tolist()) if code in problems} if problems else {}


def _coded(values: Any) -> Coded:
    if isinstance(values, Coded):
        return values
    if not isinstance(values, list):
        column = pd.Series(values)
        if isinstance(column.dtype, pd.CategoricalDtype):
            return Coded(column.cat.codes.to_numpy(), column.cat.categories.tolist())
        if column.dtype != object:
            codes, distinct = pd.factorize(column)
            return Coded(codes, distinct.tolist())
        values = column.tolist()
    if len(values) > FEW and set(map(type, values)) <= TEXTS:
        codes, distinct = pd.factorize(pd.Series(values, dtype=object))
        return Coded(codes, distinct.tolist())
    return Coded(np.arange(len(values)), values)
