"""What a column's values are, in JSON Schema's words and as a hint beside a field."""

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
    """The categories that training knew, of columns that have them; none of a model of another version.

    Args:
        folder: Of the SavedModel.
    """
    try:
        inputs = from_json(json.loads((folder / PREPROCESSING).read_text(encoding="utf-8"))).inputs
    except (OSError, ValueError):
        return {}
    features = [one for one in getattr(inputs, "features", ()) if isinstance(one, OneHot | Ordinal | Embedded)]
    return {one.column: [value for value in one.vocabulary.values if value != ""] for one in features}


def value(column: InputColumn, raw: Any) -> Any:
    """A raw value as JSON says it best: a whole number without its point, a truth value as one; None for a gap."""
    if raw is None or raw == "":
        return None
    if column.kind == "boolean" and not column.is_text:
        return bool(raw)
    return int(raw) if column.whole and float(raw).is_integer() and abs(raw) < EXACT else raw


def hint(column: InputColumn) -> str:
    """In a word or two."""
    if column.kind == "date":
        return f"date, {column.format or column.date}" if column.format or column.date else "date"
    if column.is_text:
        return "text"
    if column.kind == "boolean":
        return "true or false"
    return "whole number" if column.whole else "number"


def schema(column: InputColumn, categories: Categories, example: Sequence[Any], strict: bool) -> Json:
    """Of a column's values, as OpenAPI 3.1 has it: JSON Schema.

    Args:
        column: Which.
        categories: Of all columns.
        example: Some of the column's values, as `value` gives them.
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
        said.append("True or false; 1 and 0 do as well.")
    elif column.kind == "category":
        about = f" Training knew {len(known)}" + (", of which these are the first." if len(known) > MAX_SHOWN else ".")
        said.append(f"A category, {hint(column)}." + (about if known else "") + " Any other is taken, as unknown.")
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
    return f"Training had no gaps here: null is taken for {filled}, with a warning."
