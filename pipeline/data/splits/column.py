"""The column that a split depends on: groups, times or names of parts."""

import numpy as np
import pandas as pd

from pipeline.config.rules import Split
from pipeline.data.reading.raw_columns import TextArray
from pipeline.data.rows import Rows
from pipeline.errors import DataError


def distinct_values(rows: Rows, config: Split) -> tuple[np.ndarray, np.ndarray]:
    """The column as numbers: `(n_rows,)` int64 positions in the distinct values, and these in order of appearance.

    Args:
        rows: All rows.
        config: The section `data.split`.

    Raises:
        DataError: The column does not exist or has gaps.
    """
    values = rows.split_column
    if values is None:
        raise DataError(f"data.split.column: {rows.name} is an array without column names; leave kind and column out")
    missing = np.flatnonzero(values.gaps() if isinstance(values, TextArray) else np.isnan(values))
    if len(missing):
        raise DataError(
            f"data.split.column: column {config.column!r} has {len(missing)} missing values, first in "
            f"{rows.places(missing[0])}; kind={config.kind} needs one in each row: fill them in, or remove these rows"
        )
    if isinstance(values, TextArray):
        used = values.used()
        return used.codes.astype(np.int64), used.levels
    numbers, distinct = pd.factorize(values)
    return numbers.astype(np.int64), distinct


def times(rows: Rows, config: Split) -> tuple[np.ndarray, np.ndarray]:
    """The column as times: ranks `(n_rows,)` int64 from the earliest, equal for equal times, and the values.

    Text holds numbers or ISO 8601 dates; dates without a time zone are taken as UTC.

    Args:
        rows: All rows.
        config: The section `data.split`.

    Raises:
        DataError: The column does not exist, or has gaps or values that are neither.
    """
    numbers, distinct = distinct_values(rows, config)
    parsed = parsed_times(distinct) if distinct.dtype == object else distinct
    wrong = np.flatnonzero(np.isnat(parsed) if parsed.dtype.kind == "M" else np.isnan(parsed))
    if len(wrong):
        at = np.flatnonzero(np.isin(numbers, wrong))
        raise DataError(
            f"data.split.column: {len(at)} values of column {config.column!r} are neither numbers nor ISO dates: "
            f"{first_three(at, rows)}; write them as in 2011-01-31 or 2011-01-31T17:30"
        )
    return np.unique(parsed, return_inverse=True)[1].astype(np.int64)[numbers], distinct[numbers]


def parsed_times(texts: np.ndarray) -> np.ndarray:
    """Texts as float64 or datetime64, whichever reads more of them; NaN or NaT for the others."""
    column = pd.Series(texts, dtype=object)
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(np.float64)
    dates = parsed_dates(texts)
    return numbers.to_numpy(np.float64) if numbers.isna().sum() < np.isnat(dates).sum() else dates


def parsed_dates(texts: np.ndarray) -> np.ndarray:
    """ISO 8601 texts as datetime64 in UTC; NaT for the others."""
    column = pd.Series(texts, dtype=object)
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    dates = dates.mask(column.str.lower().isin(["now", "today"]))  # pandas reads these as another time in each run
    return dates.dt.tz_localize(None).to_numpy()


def first_three(numbers: np.ndarray, rows: Rows) -> str:
    """The column's values in the first three of these rows, for a message.

    Args:
        numbers: Row numbers.
        rows: All rows.
    """
    assert rows.split_column is not None
    values = np.asarray(rows.split_column[numbers[:3]])
    found = [f"{shown(value)} in {rows.places(number)}" for value, number in zip(values, numbers[:3], strict=True)]
    return ", ".join(found) + (", ..." if len(numbers) > 3 else "")


def shown(value: object) -> str:
    """A value as the file has it."""
    return f"{value:.15g}" if isinstance(value, float) else repr(value)
