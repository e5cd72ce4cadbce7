"""The columns that a model takes: their description, and how to read them from dicts, frames and Arrow tables."""

from __future__ import annotations

import contextlib
import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.data import RawColumn, Rows, TextArray, identifiers
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature
from pipeline.data.preprocessing.network_inputs import ArrayInputs, TableInputs
from pipeline.data.preprocessing.number_columns import Number
from pipeline.data.reading.input_column import BOOLEANS, InputColumn
from pipeline.data.reading.notation import number_in
from pipeline.data.reading.parse_inputs import Cleaned, ValuesError, clean
from pipeline.errors import DataError

MAX_NUMBERS = 1000  # texts of a column of text that mean numbers


def described(rows: Rows, inputs: TableInputs | ArrayInputs) -> tuple[InputColumn, ...]:
    """The input columns of a table, and what replaces a gap in each.

    Args:
        rows: All rows.
        inputs: The fitted preprocessing of the inputs.
    """
    fitted = inputs.features if isinstance(inputs, TableInputs) else ()
    features = {feature.column: feature for feature in reversed(fitted)}  # a number comes before its categories
    names = list(rows.inputs)
    return tuple(
        InputColumn(
            name=name,
            argument=argument,
            kind=inputs.kinds[name],
            dtype="string" if column.dtype == object else "float64",
            shape=(None, *column.shape[1:]),
            gaps=_has_gaps(column),
            fill=_fill(features.get(name)),
            date=inputs.dates[name].written.name if name in inputs.dates else None,
            numbers=_texts_of_numbers(column) if inputs.kinds[name] == "category" else (),
            whole=inputs.kinds[name] in ("numeric", "category") and _is_whole(column),
            words=inputs.kinds[name] == "boolean" or _may_be_truth_values(column),
        )
        for name, argument, column in zip(names, identifiers(names), rows.inputs.values(), strict=True)
    )


def _has_gaps(column: RawColumn) -> bool:
    if isinstance(column, TextArray):
        return bool(column.gaps().any())
    return column.dtype.kind == "f" and bool((column != column).any())


def _is_whole(column: RawColumn) -> bool:
    """Whether a column of numbers has whole numbers only, and at least one."""
    if isinstance(column, TextArray) or column.ndim != 1 or column.dtype.kind not in "iuf":
        return False
    numbers = column[~np.isnan(column)]
    return bool(len(numbers) and (numbers == np.floor(numbers)).all())


def _may_be_truth_values(column: RawColumn) -> bool:
    """Whether numbers may have been true and false in the table, although `data.column_kinds` names another kind."""
    return (
        not isinstance(column, TextArray) and column.ndim == 1 and set(np.unique(column[~np.isnan(column)])) <= {0, 1}
    )


def _fill(feature: Feature | None) -> float | str | None:
    """What replaces a gap if training had none; an array cannot have gaps."""
    if feature is None:
        return None
    if isinstance(feature, Number):
        return feature.fill
    return "an average date" if isinstance(feature, Date) else "an unknown category"


def _texts_of_numbers(column: RawColumn) -> tuple[str, ...]:
    """Texts that mean a number or boolean, limited to what a manifest can hold: those in unusual notation first."""
    if not isinstance(column, TextArray):
        return ()
    values = {text: number_in(text, ",") if "," in text else number_in(text, ".") for text in column.present()}
    found = [text for text, value in values.items() if value is not None or text in BOOLEANS]
    return tuple(sorted(found, key=lambda text: (text == str(values[text]), text))[:MAX_NUMBERS])


def raw_columns(columns: Sequence[InputColumn], given: Any) -> Cleaned:
    """Reads the columns that a model takes from a dict of sequences, a pandas frame or an Arrow table.

    Args:
        columns: The model's columns.
        given: The columns by name, in any order; others are ignored. None, NaN and, for text, `""` are gaps.

    Raises:
        DataError: A column is missing or has an invalid value, with the row; or lengths differ.
    """
    there = Counter(list(given) if isinstance(given, pd.DataFrame | Mapping) else given.column_names)
    if missing := [column.name for column in columns if column.name not in there]:
        raise DataError(missing_columns(missing, list(there)))
    if repeated := [column.name for column in columns if there[column.name] > 1]:
        raise DataError(f"more than one column is named {', '.join(map(repr, repeated))}; rename them")
    values = {column.name: _values(column, given[column.name]) for column in columns}
    lengths = {name: len(value) for name, value in values.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns of different lengths: {', '.join(f'{name!r} {n}' for name, n in lengths.items())}")
    with values_at_fault():
        return clean(columns, values)


def _values(column: InputColumn, given: Any) -> Any:
    """Converts an Arrow column with pandas, whole numbers to text with all digits; other columns are unchanged."""
    if hasattr(given, "to_pandas"):
        return given.to_pandas(integer_object_nulls=column.is_text)
    return given if hasattr(given, "__len__") and not isinstance(given, str) else [given]


@contextlib.contextmanager
def values_at_fault() -> Iterator[None]:
    """Converts the errors of `clean` to DataError."""
    try:
        yield
    except ValuesError as error:
        raise DataError(str(error)) from None


def missing_columns(missing: list[str], there: list[Any]) -> str:
    """The message for missing columns, each with the nearest existing one.

    Args:
        missing: Names of missing columns.
        there: Names of existing columns.
    """
    names = [str(name) for name in there]
    said = []
    for name in missing:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        said.append(f"{name!r} (did you mean {near[0]!r}?)" if near else f"{name!r}")
    return f"missing columns: {', '.join(said)}; the columns are {', '.join(map(repr, names)) or 'none'}"
