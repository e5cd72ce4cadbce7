"""Describes a column's values in JSON Schema, and as a hint for a form field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.data.preprocessing.as_json import from_json
from pipeline.data.preprocessing.category_columns import Embedded, OneHot, Ordinal
from pipeline.data.reading.input_column import EXACT, InputColumn
from pipeline.export.manifest import PREPROCESSING

Json = dict[str, Any]
Categories = Mapping[str, Sequence[Any]]  # by column, in ascending order

MAX_SHOWN = 20  # categories of a column; a column may have thousands
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def known_categories(folder: Path) -> dict[str, Sequence[Any]]:
    """The categories that training knew, by column; empty for a model of another version.

    Args:
        folder: The SavedModel's folder.
    """
    try:
        inputs = from_json(json.loads((folder / PREPROCESSING).read_text(encoding="utf-8"))).inputs
    except (OSError, ValueError):
        return {}
    features = [one for one in getattr(inputs, "features", ()) if isinstance(one, OneHot | Ordinal | Embedded)]
    return {one.column: [value for value in one.vocabulary.values if value != ""] for one in features}


def value(column: InputColumn, raw: Any) -> Any:
    """A raw value as JSON: a whole number without decimal point, a boolean as such; None for a gap.

    Args:
        column: The value's column.
        raw: The value.
    """
    if raw is None or raw == "":
        return None
    if column.kind == "boolean" and not column.is_text:
        return bool(raw)
    return int(raw) if column.whole and float(raw).is_integer() and abs(raw) < EXACT else raw


def hint(column: InputColumn) -> str:
    """The column's type in a few words."""
    if column.kind == "date":
        return f"date, {column.format or column.date}" if column.format or column.date else "date"
    if column.is_text:
        return "text"
    if column.kind == "boolean":
        return "true or false"
    return "whole number" if column.whole else "number"


def schema(column: InputColumn, categories: Categories, example: Sequence[Any], strict: bool) -> Json:
    """The schema of a column's values, in JSON Schema as OpenAPI 3.1 uses it.

    Args:
        column: The column.
        categories: The known categories of all columns.
        example: Some of the column's values, as `value` returns them.
        strict: Whether a gap in a column without any in training is refused.
    """
    if column.width is not None:
        return {"type": "array", "items": {"type": "number"}, "minItems": column.width, "maxItems": column.width}
    kind = _type(column)
    seen = [one for one in example if one is not None]
    known = [value(column, one) for one in categories.get(column.name, ())]
    found: Json = {"type": [kind, "null"] if column.gaps else kind}
    if column.kind == "date" and seen and all(ISO_DAY.fullmatch(str(one)) for one in seen):
        found["format"] = "date"
    found["description"] = " ".join(_sentences(column, known, strict))
    if examples := known[:MAX_SHOWN] or list(dict.fromkeys(seen)):
        found["examples"] = examples
    return found


def _type(column: InputColumn) -> str:
    if column.is_text:
        return "string"
    if column.kind == "boolean":
        return "boolean"
    return "integer" if column.whole else "number"


def _sentences(column: InputColumn, known: Sequence[Any], strict: bool) -> list[str]:
    said = []
    if column.kind == "date":
        said.append(f"A date, written as {column.format or column.date or 'those of training'}.")
    elif column.kind == "boolean":
        said.append("True or false; 1 and 0 are accepted too.")
    elif column.kind == "category":
        about = f" Training knew {len(known)}" + ("; these are the first." if len(known) > MAX_SHOWN else ".")
        said.append(f"A category, {hint(column)}." + (about if known else "") + " Others are accepted, as unknown.")
    else:
        said.append(f"A {hint(column)}.")
    if column.format and column.kind != "date":
        said.append(f"As text it is written as {column.format}.")
    return [*said, _gap(column, strict)]


def _gap(column: InputColumn, strict: bool) -> str:
    if column.gaps:
        return "May be null, for a gap."
    if strict or column.fill is None:
        return "Training had no gaps here: null is refused."
    filled = f"{column.fill:g}" if isinstance(column.fill, float) else column.fill
    return f"Training had no gaps here: null is replaced by {filled}, with a warning."
