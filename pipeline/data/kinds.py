"""What kind of column each input is: found on training rows, or set by data.columns_as."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, Kind
from pipeline.data.dates import FORMATS, format_of
from pipeline.data.ops import NumpyOps
from pipeline.errors import DataError

# Whole numbers with few values, each of them often, are codes rather than quantities.
MOST_CODES = 12
ROWS_PER_CODE = 10
FIRST_ROWS = 10_000  # most columns of quantities show in them that they are


def kinds_of(inputs: Mapping[str, np.ndarray], config: Data) -> dict[str, Kind]:
    """The kind of each named column.

    Args:
        inputs: Training rows: float64 with NaN for gaps, or text with `""` for them.
        config: The data section.

    Raises:
        DataError: data.columns_as names no column, or a kind that the column's values do not allow.
    """
    unknown = [name for name in config.columns_as if name not in inputs]
    if unknown:
        raise DataError(
            f"data.columns_as: there is no input column {', '.join(map(repr, unknown))}; "
            f"there are {', '.join(map(repr, inputs))}"
        )
    faults, kinds = [], {}
    for name, values in inputs.items():
        kinds[name] = config.columns_as.get(name) or _inferred(values)
        if name in config.columns_as:
            faults += _faults(name, values, kinds[name])
    if faults:
        raise DataError("\n".join(f"data.columns_as: {fault}" for fault in faults))
    return kinds


def check_dates(inputs: Mapping[str, np.ndarray], config: Data) -> None:
    """Looks at all rows of the columns that `data.columns_as` calls dates, so that each is found that is none.

    Raises:
        DataError: A column holds other text, with the first three values and their rows.
    """
    dates = [name for name, kind in config.columns_as.items() if kind == "date" and name in inputs]
    faults = [fault for name in dates for fault in _faults(name, inputs[name], "date")]
    if faults:
        raise DataError("\n".join(f"data.columns_as: {fault}" for fault in faults))


def is_text(values: np.ndarray) -> bool:
    """Whether a raw column holds text."""
    return values.dtype == object


def _inferred(values: np.ndarray) -> Kind:
    if is_text(values):
        return "date" if format_of(values) else "category"
    there = values[~np.isnan(values)]
    if len(pd.unique(there[:FIRST_ROWS])) > MOST_CODES:
        return "numeric"
    distinct = pd.unique(there)
    if len(distinct) <= 2 and set(distinct) <= {0.0, 1.0}:
        return "boolean"
    codes = 2 < len(distinct) <= MOST_CODES and len(there) >= ROWS_PER_CODE * len(distinct)
    return "category" if codes and (distinct == np.round(distinct)).all() else "numeric"


def _faults(name: str, values: np.ndarray, kind: Kind) -> list[str]:
    if is_text(values) and kind != "category" and not (values != "").any():
        return [f"column {name!r} has text, but none in training rows, so it cannot be {kind}; use data.drop"]
    if kind == "date":
        if not is_text(values):
            return [f"column {name!r} holds numbers, not dates; leave it numeric or write its dates as 2024-12-31"]
        if format_of(values) is None:
            return [_dates_that_do_not_parse(name, values)]
    if kind in ("numeric", "boolean") and is_text(values):
        first = next(text for text in values if text)
        return [f"column {name!r} holds text (first: {first!r}), which is not {kind}; use category or date"]
    if kind == "boolean" and not set(pd.unique(values[~np.isnan(values)])) <= {0.0, 1.0}:
        return [f"column {name!r} has other values than 0 and 1, so it is not boolean; use numeric or category"]
    if kind == "category" and len(pd.unique(values)) == len(values) > 1:
        return [f"column {name!r} has another value in every row, so nothing can be learned of it; use data.drop"]
    return []


def _dates_that_do_not_parse(name: str, values: np.ndarray) -> str:
    there = np.flatnonzero(values != "")
    missed = {
        known.name: there[np.isnan(known.days(NumpyOps(), values[there]))] for known in FORMATS
    }  # by the format that fits best
    nearest, rows = min(missed.items(), key=lambda item: len(item[1]))
    shown = ", ".join(f"{values[row]!r} (row {row})" for row in rows[:3])
    return f"column {name!r} has {len(rows)} values that are no dates as {nearest}: {shown}; correct or drop them"
