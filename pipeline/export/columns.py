"""Raw columns, however they come, as the tensors that a model takes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.data.reading.dates import BY_NAME
from pipeline.data.reading.finite import LARGEST_VALUE
from pipeline.errors import DataError

LARGEST_INPUT = LARGEST_VALUE  # of a number that a model is asked about


def raw_columns(inputs: Mapping[str, Mapping[str, Any]], given: Any) -> dict[str, np.ndarray]:
    """The columns that a model takes, from a dict of sequences, a pandas frame or an Arrow table.

    Args:
        inputs: Of the manifest.
        given: Has the columns by name, in any order; others are ignored. None, NaN and, for text, `""` are gaps.

    Returns:
        By name: float64 with NaN for gaps, `(n_rows,)` or `(n_rows, n)`; or objects `str` with `""` for them.

    Raises:
        DataError: A column is missing, or holds what it cannot hold, with the row; or lengths differ.
    """
    there = list(given.column_names if hasattr(given, "column_names") else given)
    if missing := [name for name in inputs if name not in there]:
        raise DataError(missing_columns(missing, there))
    columns = {}
    for name, about in inputs.items():
        value = given[name]
        if len(about["shape"]) == 2:
            columns[name] = _matrix(name, value, about["shape"][1])
        else:
            series = value.to_pandas() if hasattr(value, "to_pandas") else pd.Series(value)
            columns[name] = _text(name, series, about) if about["dtype"] == "string" else _numbers(name, series)
        if columns[name].dtype != object:
            _require_bounded(name, columns[name])
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns of different lengths: {', '.join(f'{name!r} {n}' for name, n in lengths.items())}")
    return columns


def missing_columns(missing: list[str], there: list[Any]) -> str:
    """What an error says of missing columns: each with the nearest that is there."""
    names = [str(name) for name in there]
    said = []
    for name in missing:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        said.append(f"{name!r} (did you mean {near[0]!r}?)" if near else f"{name!r}")
    return f"missing columns: {', '.join(said)}; there are {', '.join(map(repr, names)) or 'none'}"


def _require_bounded(name: str, numbers: np.ndarray) -> None:
    """Raises DataError for an infinite number, or one beyond what training takes."""
    beyond = np.argwhere(np.abs(numbers) > LARGEST_INPUT)
    if len(beyond):
        value = numbers[tuple(beyond[0])]
        said = f"is beyond {LARGEST_INPUT:g}" if np.isfinite(value) else "is infinite"
        raise DataError(f"column {name!r}, row {beyond[0][0]}: {value:g} {said}; a gap is None or NaN")


def _matrix(name: str, value: Any, width: int) -> np.ndarray:
    try:
        matrix = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"input {name!r} is no array of numbers: {error}") from None
    if matrix.ndim != 2 or matrix.shape[1] != width:
        raise DataError(f"input {name!r} must have the shape (n_rows, {width}), got {matrix.shape}")
    return matrix


def _numbers(name: str, series: pd.Series) -> np.ndarray:
    if not pd.api.types.is_datetime64_any_dtype(series):
        try:
            return series.to_numpy(np.float64, na_value=np.nan)
        except (ValueError, TypeError):
            pass
    for row, value in enumerate(series):
        try:
            float("nan" if pd.isna(value) else value)
        except (ValueError, TypeError):
            raise DataError(f"column {name!r}, row {row}: {value!r} is no number; a gap is None or NaN") from None
    raise DataError(f"column {name!r} holds {series.dtype}, but numbers are needed")


def _text(name: str, series: pd.Series, about: Mapping[str, Any]) -> np.ndarray:
    date = BY_NAME.get(about.get("date", ""))  # which models of older versions do not say
    if pd.api.types.is_datetime64_any_dtype(series):
        moments = series.map(date.write, na_action="ignore") if date else series.dt.strftime("%Y-%m-%dT%H:%M:%S")
        return moments.fillna("").to_numpy(object)
    values = series.astype(object).where(series.notna(), "").to_numpy(object)
    texts = np.array([value if isinstance(value, str) else str(value) for value in values], dtype=object)
    if date and (row := date.first_other(texts)) is not None:
        raise DataError(no_date(name, row, texts[row], date.name))
    return texts


def first_no_date(written: str, texts: np.ndarray) -> int | None:
    """Where the first text is that is neither a gap nor a date in a format of the manifest; None if there is none."""
    return BY_NAME[written].first_other(texts)


def no_date(name: str, row: int, text: str, written: str) -> str:
    """What an error says of text that is neither a gap nor a date as those of training."""
    return f"column {name!r}, row {row}: {text!r} is no date as {written}, which training's are; correct or empty it"
