"""The kind of each input column: inferred from training rows, or set by data.column_kinds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, Kind
from pipeline.data.ops import NumpyOps
from pipeline.data.reading.dates import EITHER_WAY, FORMATS, format_of, formats_of
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.reading.suggest_formats import formats_that_read, key_that_reads
from pipeline.data.reading.unread import unread_as
from pipeline.errors import DataError
from pipeline.runtime.threads import in_threads

# Whole numbers with few values, each of them frequent, are codes rather than quantities.
MAX_CODES = 12
MAX_ORDERED = 20  # numbers with more values get no one-hot categories; category_encoding=auto has the same limit
ROWS_PER_CODE = 10
FIRST_ROWS = 10_000  # enough to recognize most columns of quantities


def kinds_of(inputs: Mapping[str, RawColumn], config: Data) -> dict[str, Kind]:
    """The kind of each named column.

    Args:
        inputs: Training rows, raw.
        config: The data section.

    Raises:
        DataError: data.column_kinds names an unknown column, or a kind that the column's values do not allow.
    """
    unknown = [name for name in config.column_kinds if name not in inputs]
    if unknown:
        raise DataError(
            f"data.column_kinds: unknown input column {', '.join(map(repr, unknown))}; "
            f"the columns are {', '.join(map(repr, inputs))}"
        )
    n_rows = len(next(iter(inputs.values())))
    places = RowNumbers(n_rows, 0, None)
    declared = config.column_kinds.items()
    faults = [fault for name, kind in declared for fault in _faults(name, inputs[name], kind, places)]
    if faults:
        raise DataError("\n".join(f"data.column_kinds: {fault}" for fault in faults))
    others = {name: values for name, values in inputs.items() if name not in config.column_kinds}
    found = dict(zip(others, in_threads(_inferred, others.values(), n_rows=n_rows), strict=True))
    ordered: dict[str, Kind] = {
        name: "numeric" for name, values in others.items() if gets_one_hot(name, values, config)
    }
    return {name: config.column_kinds.get(name) or ordered.get(name) or found[name] for name in inputs}


def gets_one_hot(column: str, values: RawColumn, config: Data) -> bool:
    """Whether the column holds ordered numbers that also get one-hot categories.

    These are whole numbers with few values, each of them frequent: at most as many values as
    `data.category_encoding=auto` makes one-hot. Settings for the column take precedence.

    Args:
        column: Its name.
        values: Its training rows, raw.
        config: The data section.
    """
    said = column in config.column_kinds or column in config.category_encoding.by_column
    if config.ordered_numbers == "number" or said or isinstance(values, TextArray):
        return False
    if len(pd.unique(values[:FIRST_ROWS])) > MAX_ORDERED + 1:  # one of them may be the gap
        return False
    return _are_codes(values[~np.isnan(values)], MAX_ORDERED)


def check_dates(inputs: Mapping[str, RawColumn], config: Data, places: RowNumbers) -> None:
    """Checks all rows of the columns that `data.column_kinds` calls dates.

    Args:
        inputs: All rows, raw.
        config: The data section.
        places: Where a user finds each row.

    Raises:
        DataError: A column holds other text; the message has the first three values and their rows.
    """
    dates = [name for name, kind in config.column_kinds.items() if kind == "date" and name in inputs]
    faults = [fault for name in dates for fault in _faults(name, inputs[name], "date", places)]
    if faults:
        raise DataError("\n".join(f"data.column_kinds: {fault}" for fault in faults))


def _inferred(values: RawColumn) -> Kind:
    if isinstance(values, TextArray):
        first = values[:FIRST_ROWS].present()
        is_date = (formats_of(first) or not (first != "").any()) and format_of(values.present())
        return "date" if is_date else "category"
    if len(pd.unique(values[:FIRST_ROWS])) > MAX_CODES + 1:  # one of them may be the gap
        return "numeric"
    there = values[~np.isnan(values)]
    distinct = pd.unique(there)
    if 0 < len(distinct) <= 2 and set(distinct) <= {0.0, 1.0}:
        return "boolean"
    return "category" if _are_codes(there, MAX_CODES) else "numeric"


def _are_codes(there: np.ndarray, most: int) -> bool:
    """Whether numbers without gaps are whole, with few values, each of them frequent."""
    distinct = pd.unique(there)
    often = 2 < len(distinct) <= most and len(there) >= ROWS_PER_CODE * len(distinct)
    return bool(often and (distinct == np.round(distinct)).all())


def _faults(name: str, values: RawColumn, kind: Kind, places: RowNumbers) -> list[str]:
    if kind == "category":
        distinct = values.codes if isinstance(values, TextArray) else values
        if len(pd.unique(distinct)) == len(values) > 1:
            said = f"column {name!r} has a different value in every row"
            remedy = _as_numbers_or_dates(name, values) if isinstance(values, TextArray) else None
            return [f"{said}; {remedy}" if remedy else f"{said}, so nothing can be learned from it; use data.drop"]
        return []
    if isinstance(values, TextArray):
        return _faults_of_text(name, values, kind, places)
    return _faults_of_numbers(name, values, kind)


def _faults_of_numbers(name: str, values: np.ndarray, kind: Kind) -> list[str]:
    if kind == "date" and np.isnan(values).all():
        return [_empty(name, kind)]
    if kind == "date":
        remedy = "leave it numeric, write its dates as 2024-12-31, or show their format in data.column_formats"
        return [f"column {name!r} holds numbers, not dates; {remedy}"]
    if kind == "boolean" and not set(pd.unique(values[~np.isnan(values)])) <= {0.0, 1.0}:
        return [f"column {name!r} has values other than 0 and 1, so it is not boolean; use numeric or category"]
    return []


def _as_numbers_or_dates(name: str, values: TextArray) -> str | None:
    """How to read a column's texts as numbers or dates; None if they are neither."""
    present = values.present()
    if formats := formats_that_read(present):
        return f"to read it as numbers or dates, set {key_that_reads({name: formats[0]})}"
    kind = unread_as(present)
    return None if kind is None else f"it holds {kind.what}, such as {kind.example(present)!r}: {kind.remedy}"


def _faults_of_text(name: str, values: TextArray, kind: Kind, places: RowNumbers) -> list[str]:
    present = values.present()
    if not (present != "").any():
        return [_empty(name, kind)]
    if kind != "date":
        first = values.levels[values.codes[values.gaps().argmin()]]
        return [f"column {name!r} holds text (first: {first!r}), which is not {kind}; use category or date"]
    return [] if format_of(present) else [_dates_that_do_not_parse(name, values, places)]


def _empty(name: str, kind: Kind) -> str:
    return f"column {name!r} has no values in training rows, so it cannot be {kind}; leave it out of data.column_kinds"


def _dates_that_do_not_parse(name: str, values: TextArray, places: RowNumbers) -> str:
    either_way = [written.name for written in formats_of(values.present()) if written.name in EITHER_WAY]
    if either_way:  # otherwise format_of would have chosen
        first = values.levels[values.codes[values.gaps().argmin()]]
        keys = [key_that_reads({name: written}) for written in formats_that_read(values.present(), fewest=1)]
        return (
            f"column {name!r} holds dates that may be {' or '.join(either_way)}, such as {first!r}, as no day is above "
            f"12; show which they are with {' or '.join(keys) or 'data.column_formats'}"
        )
    there = values.levels != ""
    missed = {
        known.name: np.flatnonzero((there & np.isnan(known.days(NumpyOps(), values.levels)))[values.codes])
        for known in FORMATS
    }  # by the format that fits most texts
    nearest, rows = min(missed.items(), key=lambda item: len(item[1]))
    shown = ", ".join(f"{values.levels[values.codes[row]]!r} ({places(row)})" for row in rows[:3])
    formats = formats_that_read(values.present())
    remedy = f"set {key_that_reads({name: formats[0]})}" if formats else "correct or empty them"
    return f"column {name!r} has {len(rows)} values that are not dates as {nearest}: {shown}; {remedy}"
