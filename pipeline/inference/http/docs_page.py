"""The page at /docs: a form to try the model with, and its addresses. It loads nothing of elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipeline.data.reading.input_column import InputColumn
from pipeline.inference.http.column_schema import hint
from pipeline.inference.http.served_model import Served
from pipeline.runtime import pages

MAX_CHOICES = 200  # categories that a field proposes
MAX_FIELDS = 60  # columns; of more, and of arrays, the row is written as JSON


def page(model: Served) -> str:
    """The whole page; every text of the model is escaped."""
    first = {name: values[0] for name, values in model.example.items()}
    return pages.render(
        "inference/http/docs.html",
        title=f"{model.name}, version {model.version}",
        model=model,
        row=json.dumps(first, ensure_ascii=False),
        fields=list(_fields(model, first)),
    )


def _fields(model: Served, first: dict[str, object]) -> Iterator[tuple[InputColumn, str, list[str], str]]:
    """Each column with its example, the categories that training knew to choose from, and what it takes."""
    if len(model.columns) > MAX_FIELDS or any(column.width is not None for column in model.columns):
        return
    for column in model.columns:
        value = first[column.name]
        shown = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        known = [str(one) for one in model.categories.get(column.name, ())[:MAX_CHOICES]] if column.is_text else []
        yield column, shown, known, hint(column)
