"""Fitted preprocessing as JSON and back, for other formats; nothing is pickled."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.data.preprocessing.category_columns import Embedded, Hashed, OneHot, Ordinal, Vocabulary
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.network_inputs import ArrayInputs, TableInputs
from pipeline.data.preprocessing.number_columns import Number
from pipeline.data.preprocessing.preprocessing import Preprocessing
from pipeline.data.preprocessing.scaling import (
    Affine,
    Between,
    Clip,
    ComposedTransform,
    Log1p,
    OutputScaler,
    Quantile,
    Scaler,
    SmoothClip,
    YeoJohnson,
)
from pipeline.data.reading.dates import DateFormat

CLASSES = {
    kind.__name__: kind
    for kind in (
        Preprocessing, TableInputs, ArrayInputs, OutputScaler, Scaler, ComposedTransform, Affine, Between, Clip, Log1p,
        Quantile, SmoothClip, YeoJohnson, Number, OneHot, Hashed, Ordinal, Embedded, Date, DateFormat, Vocabulary,
    )
} | {"Chain": ComposedTransform}  # its name in files of earlier versions  # fmt: skip
KIND, ARRAY = "is", "array"


def to_json(preprocessing: Preprocessing) -> dict[str, Any]:
    """The fitted parts by the names of their classes; floats keep every digit."""
    encoded: dict[str, Any] = _encoded(preprocessing)
    return encoded


def from_json(content: Mapping[str, Any]) -> Preprocessing:
    """The preprocessing that `to_json` wrote.

    Raises:
        ValueError: It was written by another version of this package.
    """
    try:
        decoded = _decoded(content)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not preprocessing of this version: {error}") from None
    if not isinstance(decoded, Preprocessing):
        raise ValueError("not preprocessing of this version: its outermost part has another type")
    return decoded


def _encoded(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        fields = {field.name: _encoded(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {KIND: type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return {KIND: ARRAY, "values": value.tolist()}
    if isinstance(value, Mapping):
        return {"pairs": [[key, _encoded(entry)] for key, entry in value.items()]}
    if isinstance(value, tuple | list):
        return [_encoded(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(entry) for entry in value)
    if not isinstance(value, Mapping):
        return value
    if "pairs" in value:
        return {key: _decoded(entry) for key, entry in value["pairs"]}
    if value[KIND] == ARRAY:
        return np.array(value["values"], np.float64)
    return CLASSES[value[KIND]](**{name: _decoded(entry) for name, entry in value.items() if name != KIND})
