"""From values as JSON or CSV gave them to the arrays that the model takes; what it cannot take is refused by name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from pipeline.data.reading.input_column import InputColumn
from pipeline.data.reading.parse_inputs import Cleaned, ValuesError, clean
from pipeline.inference.http.request_errors import refuse_values


def check(columns: Sequence[InputColumn], values: dict[str, list[Any]], strict: bool) -> Cleaned:
    """Converts values to the arrays that the model takes: float64 with NaN for gaps, or text with `""` for gaps.

    Args:
        columns: The model's columns.
        values: Values by column.
        strict: Whether to refuse gaps in columns that had none in training.

    Raises:
        RefusedError: 400, with row and column of the first invalid values, and of refused gaps.
    """
    given = {
        column.name: _without_base64(values[column.name]) if column.is_text else values[column.name]
        for column in columns
    }
    try:
        found = clean(columns, given)
        if strict:
            found.require_known_gaps()
    except ValuesError as error:
        raise refuse_values(error.faults) from None
    return found


def _without_base64(values: list[Any]) -> list[Any]:
    """Text for `{"b64": "..."}`, TensorFlow Serving's form for bytes; all else as it is."""
    return [_from_base64(value) for value in values] if dict in set(map(type, values)) else values


def _from_base64(value: Any) -> Any:
    try:
        return base64.b64decode(value["b64"], validate=True).decode() if len(value) == 1 else value
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError):
        return value
