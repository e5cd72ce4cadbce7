"""A table's columns as raw columns: numbers or text."""

import logging

import numpy as np
import pandas as pd

from pipeline.data.reading.column_types import are_plain, has_points, is_padded
from pipeline.data.reading.overrides import Marks, as_gaps
from pipeline.data.reading.raw_columns import RawColumn, TextArray

log = logging.getLogger(__name__)

MAX_MARKS = 3  # so few distinct texts among numbers may be marks of gaps


def raw_column(column: pd.Series, decimal: str, kept_as: str | None = None, marks: Marks = ()) -> RawColumn:
    """Converts numbers to float64 with NaN for gaps, others to text; with a decimal comma, text with points stays.

    Args:
        column: The column, as it was read.
        decimal: The decimal mark of text.
        kept_as: `category` or `date` for columns whose text is kept. A category becomes numbers only if these
            determine its texts, for 1.1 and 1.10 differ. A date never does: 20190507 is not a number.
        marks: `data.missing_values`, to which a warning adds the few texts among numbers.
    """
    if not isinstance(column.dtype, pd.StringDtype):
        numbers = to_float(column)
        return to_text(column, marks) if numbers is None else numbers
    codes, found = pd.factorize(column)  # each text once; -1 for gaps
    distinct = pd.Series(found).str.strip()
    numbers = to_float(distinct)
    if numbers is not None and decimal != "." and has_points(distinct):
        said = "column %r has values with a point, such as %s, but data.decimal is %r: they are read as text"
        log.warning(said, column.name, distinct[distinct.str.contains(".", regex=False)].iloc[0], decimal)
        numbers = None
    if numbers is None or is_padded(distinct) or (kept_as and not _say_all(distinct, numbers, decimal, kept_as)):
        return _texts(str(column.name), codes, found, marks)
    return np.append(numbers, np.nan)[codes]


def _say_all(text: pd.Series, numbers: np.ndarray, decimal: str, kept_as: str) -> bool:
    is_date = kept_as == "date" and text.str.fullmatch("[0-9]{8}").all()
    return not is_date and are_plain(text, numbers, decimal)


def to_text(column: pd.Series, marks: Marks = ()) -> TextArray:
    """Text without surrounding blanks; dates as ISO 8601.

    Args:
        column: The column.
        marks: `data.missing_values`, to which a warning adds the few texts among numbers.
    """
    codes, found = pd.factorize(column)
    if pd.api.types.is_datetime64_any_dtype(column):
        return TextArray.from_levels(codes, [*pd.DatetimeIndex(found).strftime("%Y-%m-%dT%H:%M:%S"), ""])
    return _texts(str(column.name), codes, found, marks)


def _texts(name: str, codes: np.ndarray, found: pd.Index, marks: Marks) -> TextArray:
    text = TextArray.from_levels(codes, [*(str(value).strip() for value in found.to_numpy(object)), ""])
    _hint_at_marks(name, text.levels[text.levels != ""], marks)
    return text


def _hint_at_marks(name: str, distinct: np.ndarray, marks: Marks) -> None:
    """Logs the few texts that keep a column from being read as numbers."""
    for few in (distinct[:100], distinct):
        others = few[pd.to_numeric(pd.Series(few, dtype=object), errors="coerce").isna()]
        if len(others) > MAX_MARKS:
            return
    if len(others) and (len(distinct) - len(others)) / 10 > 3:
        said = "column %r holds numbers except %s; if these are gaps, set %s"
        log.warning(said, name, ", ".join(others), as_gaps(others, marks))


def to_float(column: pd.Series) -> np.ndarray | None:
    """The column as float64 with NaN for gaps; None if a value is not a number."""
    if is_date(column) or _starts_with_text(column):
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if column.dtype == np.float64:
        return column.to_numpy()
    try:
        return pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        return None


def _starts_with_text(column: pd.Series) -> bool:
    """Whether the first text of a column is not a number: then the others need not be examined."""
    if not isinstance(column.dtype, pd.StringDtype):
        return False
    first = column.first_valid_index()
    return first is not None and bool(pd.to_numeric(pd.Series([column[first]]), errors="coerce").isna().all())


def is_date(column: pd.Series) -> bool:
    """Whether its values are moments or durations."""
    return pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column)
