"""The page at /docs: a form to try the model with, and its addresses; or a field for the token, if one is needed.

It loads nothing from elsewhere.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from pipeline.data.reading.input_column import InputColumn
from pipeline.inference.http.column_schema import hint
from pipeline.inference.http.served_model import Served
from pipeline.runtime import pages

MAX_CHOICES = 200  # categories that a field suggests
MAX_TYPED = 1000  # letters of a row that fit a command line
MAX_FIELDS = 60  # columns; with more, and for arrays, the row is written as JSON


def page(model: Served, *, asks_for_token: bool) -> str:
    """The page with the form; every text from the model is escaped.

    Args:
        model: The model that is served.
        asks_for_token: Whether requests need a token.
    """
    first = {name: values[0] for name, values in model.example.items()}
    return pages.render(
        "inference/http/docs/form.html",
        title=f"{model.name}, version {model.version}",
        model=model,
        row=json.dumps(first, ensure_ascii=False),
        fields=list(_fields(model, first)),
        asks_for_token=asks_for_token,
    )


def token_page() -> str:
    """The page for clients without the token, which shows nothing about the model."""
    return pages.render("inference/http/docs/token.html", title="This server asks for a token")


def curl(at: str, model: Served, *, asks_for_token: bool) -> str:
    """A command that requests the prediction of an example from a server; of a file's rows if the example is long.

    Args:
        at: `http://HOST:PORT`.
        model: The model that is served.
        asks_for_token: Whether requests need a token.
    """
    token = ' -H "Authorization: Bearer $PIPELINE_SERVE_TOKEN"' if asks_for_token else ""
    row = json.dumps({"instances": [{name: values[0] for name, values in model.example.items()}]}, ensure_ascii=False)
    if len(row) > MAX_TYPED:
        return f"curl -s {at}/invocations{token} -H 'Content-Type: text/csv' --data-binary @new.csv"
    return f"curl -s {at}/invocations{token} -H 'Content-Type: application/json' -d {shlex.quote(row)}"


def _fields(model: Served, first: dict[str, object]) -> Iterator[tuple[InputColumn, str, list[str], str]]:
    """Each column with its example, the known categories to choose from, and a hint."""
    if len(model.columns) > MAX_FIELDS or any(column.width is not None for column in model.columns):
        return
    for column in model.columns:
        value = first[column.name]
        shown = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        known = [str(one) for one in model.categories.get(column.name, ())[:MAX_CHOICES]] if column.is_text else []
        yield column, shown, known, hint(column)
