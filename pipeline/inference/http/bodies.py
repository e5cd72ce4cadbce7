"""Reads request bodies: the JSON formats of MLflow and TensorFlow Serving, and CSV."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.data.reading.dialect import header_names, is_blank
from pipeline.data.reading.input_column import InputColumn
from pipeline.data.reading.parse_inputs import Fault
from pipeline.inference.http.request_errors import RefusedError, refuse_values

Values = dict[str, list[Any]]


@dataclass(frozen=True)
class Given:
    """A request's values by column, in the order of its rows."""

    values: Values
    n_rows: int
    form: str  # the key of the rows in the body; an answer may depend on it


def from_json(body: bytes, forms: Sequence[str], columns: Sequence[InputColumn], most_rows: int) -> Given:
    """Reads a JSON object that has rows in exactly one of some keys.

    Args:
        body: The body.
        forms: The keys.
        columns: The model's columns.
        most_rows: The most rows that are allowed.

    Raises:
        RefusedError: 400, the body is not such an object, or columns are missing; 413, it has too many rows.
    """
    try:
        content = json.loads(body)
    except RecursionError:
        raise RefusedError(400, "the body is nested too deeply") from None
    except ValueError as error:  # also if it is not UTF-8
        raise RefusedError(400, f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise RefusedError(400, f"the body must be a JSON object with one of the keys {', '.join(forms)}")
    found = [form for form in forms if form in content]
    if len(found) != 1:
        raise RefusedError(400, _which_form(found, list(content), forms))
    form = found[0]
    return Given(*READERS[form](content[form], columns, most_rows), form)


def from_csv(body: bytes, columns: Sequence[InputColumn], most_rows: int) -> Given:
    """Reads a CSV table with a header.

    Args:
        body: The body.
        columns: The model's columns.
        most_rows: The most rows that are allowed.

    Raises:
        RefusedError: 400, the body is not such a table, or columns are missing; 413, it has too many rows.
    """
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header = header_names(next((fields for fields in reader if not is_blank(fields)), []))
        rows = [row for row in reader if row]
        if rows and all(len(row) == len(header) + 1 and not row[-1].strip() for row in rows):
            rows = [row[:-1] for row in rows]  # rows may end in a comma, as in training
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"the body is not UTF-8: {error}") from None
    except csv.Error as error:
        raise RefusedError(400, f"the body is not a CSV table: {error}") from None
    _limit(len(rows), most_rows)
    return Given(_from_lists(header, rows, columns), len(rows), "csv")


def _from_split(content: Any, columns: Sequence[InputColumn], most_rows: int) -> tuple[Values, int]:
    """`{"columns": [...], "data": [[...], ...]}`, pandas' orient "split"."""
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise RefusedError(400, 'dataframe_split must be an object with the lists "columns" and "data"')
    rows = content["data"]
    _limit(len(rows), most_rows)
    if "columns" not in content and _is_array(columns):
        return {columns[0].name: rows}, len(rows)
    names = content.get("columns")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RefusedError(400, 'dataframe_split must have a list "columns" of their names')
    return _from_lists(names, rows, columns), len(rows)


def _from_lists(names: list[str], rows: list[Any], columns: Sequence[InputColumn]) -> Values:
    """Rows as lists in the order of the names."""
    places = _places(names, columns)
    faults = [
        Fault(row, "", f"a list of {len(names)} values is expected, one per column")
        for row, given in enumerate(rows)
        if not isinstance(given, list) or len(given) != len(names)
    ]
    if faults:
        raise refuse_values(faults)
    return {name: [row[place] for row in rows] for name, place in places.items()}


def _places(names: list[str], columns: Sequence[InputColumn]) -> dict[str, int]:
    keys = _keys(names, columns)
    twice = sorted({key for key in keys.values() if names.count(key) > 1})
    if twice:
        raise RefusedError(400, f"column {', '.join(map(repr, twice))} is given more than once")
    return {name: names.index(key) for name, key in keys.items()}


def _from_records(content: Any, columns: Sequence[InputColumn], most_rows: int) -> tuple[Values, int]:
    """`[{"a": 1, ...}, ...]`, or a list of values if the model has one input."""
    if not isinstance(content, list):
        raise RefusedError(400, "rows must be given as a list")
    _limit(len(content), most_rows)
    if not content:
        return {column.name: [] for column in columns}, 0
    if len(columns) == 1 and not isinstance(content[0], dict):
        return {columns[0].name: content}, len(content)
    faults = [
        Fault(row, "", "an object with a value per column is expected")
        for row, given in enumerate(content)
        if not isinstance(given, dict)
    ]
    if faults:
        raise refuse_values(faults)
    return _by_key(content, _keys(content[0], columns)), len(content)


def _by_key(rows: list[dict[str, Any]], keys: Mapping[str, str]) -> Values:
    """The values of each column, by the key that has them."""
    try:
        return {name: [row[key] for row in rows] for name, key in keys.items()}
    except KeyError:
        lacking = [
            Fault(row, key, "is missing; null stands for a gap")
            for row, given in enumerate(rows)
            for key in keys.values()
            if key not in given
        ]
        raise refuse_values(lacking) from None


def _from_inputs(content: Any, columns: Sequence[InputColumn], most_rows: int) -> tuple[Values, int]:
    """`{"a": [1, ...], ...}`, a list for each column, or one list if the model has one input."""
    if isinstance(content, list):
        return _from_records(content, columns, most_rows)
    if not isinstance(content, dict):
        raise RefusedError(400, "inputs must be an object with a list per column")
    keys = _keys(content, columns)
    values = {name: content[key] for name, key in keys.items()}
    if not any(isinstance(given, list) for given in values.values()):
        values = {name: [given] for name, given in values.items()}  # one row
    lengths = {keys[name]: len(given) if isinstance(given, list) else None for name, given in values.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key!r} {'is not a list' if n is None else n}" for key, n in lengths.items())
        raise RefusedError(400, f"inputs must have a list per column, all of one length, but they have: {shown}")
    n_rows = len(next(iter(values.values())))
    _limit(n_rows, most_rows)
    return values, n_rows


READERS = {
    "dataframe_split": _from_split,
    "dataframe_records": _from_records,
    "instances": _from_records,
    "inputs": _from_inputs,
}


def _keys(given: Collection[str], columns: Sequence[InputColumn]) -> dict[str, str]:
    """The key of each column: its own name, or the argument of the SavedModel's signature."""
    keys = {}
    for column in columns:
        if column.name in given:
            keys[column.name] = column.name
        elif column.argument in given:
            keys[column.name] = column.argument
    missing = [column.name for column in columns if column.name not in keys]
    if missing:
        others = [key for key in given if key not in keys.values()]
        raise RefusedError(400, "; ".join(_missing(name, others) for name in missing))
    return keys


def _missing(name: str, others: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, others, n=1, cutoff=0.5)
    return f"column {name!r} is missing" + (f"; rename {near[0]!r} if that is the column" if near else "")


def _which_form(found: list[str], given: list[str], forms: Sequence[str]) -> str:
    if found:
        return f"the body has {' and '.join(found)}; it must have exactly one of them"
    near = [match for key in given for match in difflib.get_close_matches(key, forms, n=1)]
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"the body must have one of the keys {', '.join(forms)}; it has {', '.join(given[:9]) or 'none'}{hint}"


def _is_array(columns: Sequence[InputColumn]) -> bool:
    return columns[0].width is not None


def _limit(n_rows: int, most_rows: int) -> None:
    if n_rows > most_rows:
        raise RefusedError(413, f"{n_rows} rows; a request may have {most_rows}")
