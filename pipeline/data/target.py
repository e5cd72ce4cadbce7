"""What is predicted: numbers in their own units, or class numbers with their original labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.config.rules import Task
from pipeline.data.reading.column_types import are_whole, has_rounded
from pipeline.data.reading.dates import format_of
from pipeline.data.reading.finite import LARGEST_VALUE
from pipeline.data.reading.input_column import EXACT
from pipeline.data.reading.notation import is_date_example
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.reading.suggest_formats import FEWEST, formats_that_read, key_that_reads
from pipeline.data.reading.unread import unread_as
from pipeline.errors import DataError

FIRST_ROWS = 1000  # most quantities have enough distinct values in them to be recognized
# A number with separators, and with a sign, a currency or a unit before or behind it: 1,200.50, € 12, CHF 3'000, 5 kg.
DRESSED_NUMBER = r"(?:[^\w\s]{0,2}\s?|[A-Za-z]{3}\s?)[+-]?\d[\d.,'\u2019_\s]*\s?[^\d\s.,]{0,6}"
DRESSED_SHARE, MANY_CLASSES_SHARE = 0.8, 0.5  # of distinct texts; of rows, above which classes are too many
MIXED = "write all of them alike, and show the format in data.column_formats, as in '{price: \"1.234,5\"}'"
MAX_CLASSES_OF_NUMBERS = 20  # whole numbers with more distinct values are a quantity, not classes


@dataclass(frozen=True)
class Target:
    """The targets of all rows."""

    task: Task
    names: tuple[str, ...]  # columns
    values: np.ndarray  # (n_rows, n_targets) float64, or (n_rows, 1) int64 that count into classes
    classes: np.ndarray  # (n_classes,) original labels, sorted; empty for a regression

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the network: two classes need one, the logit of the second."""
        return len(self.classes) if self.task == "multiclass" else self.values.shape[1]

    def named(self, outputs: dict[str, np.ndarray]) -> np.ndarray:
        """The class numbers `(n_rows,)` of a model's outputs: by its labels, else the most probable classes."""
        if len(self.classes) == 2 and "label" in outputs:  # the label may come from a threshold
            return (outputs["label"] == self.classes[1]).astype(np.int64)
        return outputs["probabilities"].argmax(axis=1)

    def take(self, rows: np.ndarray | slice) -> Target:
        """The targets of the given row numbers."""
        return replace(self, values=self.values[rows])

    def originals(self) -> np.ndarray:
        """`(n_rows, n_targets)`: numbers, or the original labels."""
        return self.values if self.task == "regression" else self.classes[self.values]

    def like(self, columns: Mapping[str, pd.Series], places: RowNumbers) -> Target:
        """The same targets for other rows.

        Args:
            columns: Target columns of these rows.
            places: Where a user finds each row.

        Raises:
            DataError: A label is not one of the classes.
        """
        if self.task == "regression":
            return replace(self, values=_as_numbers(columns))
        (labels,) = (labels_of(column) for column in columns.values())
        labels = _texts(labels) if self.classes.dtype == object else labels.astype(self.classes.dtype)
        numbers = np.minimum(np.searchsorted(self.classes, labels), len(self.classes) - 1)
        unknown = np.flatnonzero(self.classes[numbers] != labels)
        if len(unknown):
            raise DataError(
                f"data.target: {self.names[0]!r} is {labels[unknown[0]]!r} in {places(unknown[0])}, which is not "
                f"one of the {len(self.classes)} classes found; a class column has at most some thousand values"
            )
        return replace(self, values=numbers.astype(np.int64).reshape(-1, 1))


def make_target(columns: dict[str, pd.Series], task: str, places: RowNumbers | None = None) -> Target:
    """Decides the task if it is `auto`, and numbers the classes.

    `auto`: several columns are a regression. Text and booleans are classes; so are whole numbers with at most
    MAX_CLASSES_OF_NUMBERS distinct values, and any two distinct values. Anything else is a regression.

    Args:
        columns: Target columns by name.
        task: `auto`, `regression`, `binary` or `multiclass`.
        places: Where a user finds each row; None counts from 0.

    Raises:
        DataError: The values do not fit the task.
    """
    names, columns = tuple(columns), {name: _settled(column) for name, column in columns.items()}
    if len(columns) > 1:
        if task not in ("auto", "regression"):
            raise DataError(f"data.task: {task} takes one target column, got {', '.join(names)}")
        return _regression(columns, places)
    (column,) = columns.values()
    if task == "auto":
        task = _task_of(column)
    if task == "regression":
        return _regression(columns, places)
    _check_digits(column)
    labels, classes = _numbered(column)
    if classes.dtype == object:
        _check_labels(column, classes, task)
    found = ", ".join(map(str, classes[:5])) + (", ..." if len(classes) > 5 else "")
    if len(classes) < 2:
        raise DataError(
            f"data.target: {names[0]!r} has one class only ({found}), so there is nothing to learn; name another column"
        )
    if task == "auto":
        task = "binary" if len(classes) == 2 else "multiclass"
    if task == "binary" and len(classes) != 2:
        raise DataError(f"data.task: binary needs two classes, but {names[0]!r} has {len(classes)} ({found})")
    checked: Task = "binary" if task == "binary" else "multiclass"
    return Target(checked, names, labels.reshape(-1, 1), classes)


def _settled(column: pd.Series) -> pd.Series:
    """Python's own numbers, which hold whole numbers beyond int64, as int64 or float64 if these suffice."""
    if column.dtype != object:
        return column
    kind = pd.api.types.infer_dtype(column)
    if kind in ("floating", "mixed-integer-float"):
        return column.astype(np.float64)
    is_int64 = kind == "integer" and max(-column.min() - 1, column.max()) < 2**63
    return column.astype(np.int64) if is_int64 else column


def _are_numbers(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or are_whole(column)


def _check_digits(column: pd.Series) -> None:
    """Raises DataError if classes are whole numbers that decimals in the same column may have rounded; 1e30 passes."""
    large = column[column.abs() >= EXACT].unique().tolist() if has_rounded(column) else []
    if first := next((number for number in large if float(f"{number:.15g}") != number), None):
        raise DataError(
            f"data.target: {column.name!r} has classes beyond 2**53, such as {first:.0f}, together with decimals, so "
            "classes may have been merged; write all as whole numbers or text, or set data.task=regression"
        )


def _task_of(column: pd.Series) -> str:
    if not _are_numbers(column) or pd.api.types.is_bool_dtype(column):
        return "auto"  # classes; their number decides between binary and multiclass
    if column[:FIRST_ROWS].nunique() > MAX_CLASSES_OF_NUMBERS:
        return "regression"
    values, n_distinct = column.to_numpy(np.float64), column.nunique()
    whole = bool((values == np.round(values)).all())
    return "auto" if n_distinct == 2 or (whole and n_distinct <= MAX_CLASSES_OF_NUMBERS) else "regression"


def _regression(columns: dict[str, pd.Series], places: RowNumbers | None) -> Target:
    text = [_first_text(column, places) for column in columns.values() if not _are_numbers(column)]
    if text:
        dressed = [column for column in columns.values() if _is_dressed_numbers(column)]
        if dressed:
            raise DataError(_dressed_numbers(dressed[0]))
        remedy = "correct it, list it in data.missing_values and set data.missing_target to drop, or set data.task"
        raise DataError(f"data.target: {', '.join(text)}, but a regression needs numbers; {remedy}")
    values = _as_numbers(columns)
    low, high = values.min(axis=0), values.max(axis=0)
    beyond = [name for name, size in zip(columns, np.maximum(-low, high), strict=True) if size > LARGEST_VALUE]
    if beyond:
        raise DataError(f"data.target: {', '.join(beyond)} has values beyond {LARGEST_VALUE:g}; use another unit")
    constant = [name for name, same in zip(columns, low == high, strict=True) if same]
    if constant:
        raise DataError(
            f"data.target: {', '.join(constant)} has the same value in every row, so there is nothing to learn; "
            "name another column"
        )
    return Target("regression", tuple(columns), values, np.array([]))


def _check_labels(column: pd.Series, labels: np.ndarray, task: str) -> None:
    """Raises DataError if texts that are to be classes look like numbers; dates may be classes."""
    many = len(labels) > MANY_CLASSES_SHARE * len(column)
    if not many and task != "auto":
        return
    if _say_numbers(labels) or (many and _is_dressed_numbers(column)):
        classes = "; if they are classes, set data.task=multiclass" * (not many)
        raise DataError(f"{_dressed_numbers(column)}{classes}")


def _say_numbers(labels: np.ndarray) -> bool:
    """Whether all texts are numbers, which `data.column_formats` can read or no setting reads."""
    if formats_that_read(labels):
        return not _are_dates(labels)
    kind = unread_as(labels)
    return kind is not None and not kind.is_date


def _are_dates(labels: np.ndarray) -> bool:
    formats = formats_that_read(labels)
    return len(labels) >= FEWEST and (bool(formats and is_date_example(formats[0])) or format_of(labels) is not None)


def _is_dressed_numbers(column: pd.Series) -> bool:
    """Whether most of a column's texts are numbers with separators of thousands, another decimal mark, or units."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    distinct = column.astype(str).str.strip().drop_duplicates()
    dressed = distinct.str.fullmatch(DRESSED_NUMBER) & ~distinct.str.isdigit()
    if _say_numbers(distinct.to_numpy(object)):
        return True
    return len(distinct) >= FEWEST and dressed.mean() > DRESSED_SHARE and not _are_dates(distinct.to_numpy(object))


def _dressed_numbers(column: pd.Series) -> str:
    texts = column.astype(str).str.strip().drop_duplicates()
    formats, kind = formats_that_read(texts.to_numpy(object)), unread_as(texts.to_numpy(object))
    if kind and not formats:
        return f"data.target: {column.name!r} holds {kind.what}, such as {kind.example(texts)!r}; {kind.remedy}"
    remedy = f"{key_that_reads({str(column.name): formats[0]})} reads it" if formats else MIXED
    are_decimals = texts.str.fullmatch(r"[+-]?\d+(?:,\d+)?").all()
    or_so = ", or set \"data.decimal=','\" if the comma is the decimal mark in all columns" if are_decimals else ""
    said = f"{column.name!r} holds text that looks like numbers, such as {column.iloc[0]!r}, not classes"
    return f"data.target: {said}; {remedy}{or_so}"


def _as_numbers(columns: Mapping[str, pd.Series]) -> np.ndarray:
    return np.stack([column.to_numpy(np.float64) for column in columns.values()], axis=1)


def _first_text(column: pd.Series, places: RowNumbers | None) -> str:
    is_text = pd.to_numeric(column, errors="coerce").isna().to_numpy()
    first = int(is_text.argmax())
    shown = (places or RowNumbers(len(column), 0, None))(first)
    where = f" ({column.iloc[first]!r} in {shown})" if is_text.any() else ""
    return f"{column.name} holds text{where}"


def _numbered(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers `(n_rows,)` int64 and their labels, as int64, float64, bool or str."""
    numbers, classes = pd.factorize(labels_of(column), sort=True)
    return numbers.astype(np.int64), classes


def labels_of(column: pd.Series) -> np.ndarray:
    """A target column as labels `(n_rows,)`: bool, int64, float64 or text; whole numbers beyond int64 become text."""
    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(bool)
    if pd.api.types.is_integer_dtype(column):
        beyond = len(column) > 0 and column.max() >= 2**63
        # Avoids float64, which merges numbers above 2**53.
        return _texts(column.to_numpy()) if beyond else column.to_numpy(np.int64)
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(np.float64)
        whole = (values == np.round(values)).all() and np.abs(values).max(initial=0) < 2**63  # the end of int64
        return values.astype(np.int64) if whole else values
    return column.astype(str).to_numpy(object)


def _texts(labels: np.ndarray) -> np.ndarray:
    return labels if labels.dtype == object else labels.astype(str).astype(object)
