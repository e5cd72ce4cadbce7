"""From values as JSON or CSV gave them to the arrays that the model takes; whatever it cannot take is named."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from pipeline.export.columns import LARGEST_INPUT, first_no_date
from pipeline.inference.http.refused import Fault, refuse_values

NUMBERS = {int, float, bool, type(None)}
TEXTS = {str, type(None)}
SHOWN_LETTERS = 60


@dataclass(frozen=True)
class Column:
    """An input of the model."""

    name: str  # in the table it was trained on
    argument: str  # in the SavedModel's signature
    is_text: bool
    width: int | None  # numbers per row of an array; None for a column of a table
    takes_gaps: bool  # whether training rows had any
    date: str | None = None  # the format if it is a date; models of older versions do not say


Convert = Callable[[list[Any], Column], np.ndarray | None]  # None if there is a fault in them
Problem = Callable[[Any, Column], str | None]


def check(columns: Sequence[Column], values: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    """Arrays of float64 with NaN for gaps, or of text with `""` for them, as the model takes them.

    Types are looked at before numpy sees the values: it would take text for numbers, and pad every value of a column
    to the longest text in it.

    Raises:
        RefusedError: 400, with row and column of the first values that do not go with their column.
    """
    faults: list[Fault] = []
    arrays = {}
    for column in columns:
        given = values[column.name]
        convert, problem = _means(column)
        array = convert(given, column)
        if array is None:
            found = ((row, problem(value, column)) for row, value in enumerate(given))
            faults += [Fault(row, column.name, text) for row, text in found if text]
        else:
            arrays[column.name] = array
    if faults:
        raise refuse_values(sorted(faults, key=lambda fault: fault.row))
    return arrays


def _means(column: Column) -> tuple[Convert, Problem]:
    """How to take a column's values whole, and how to say what is wrong with one of them."""
    if column.width is not None:
        return _array, _array_problem
    return (_texts, _text_problem) if column.is_text else (_numbers, _number_problem)


def _numbers(values: list[Any], column: Column) -> np.ndarray | None:
    if not set(map(type, values)) <= NUMBERS:
        return None
    try:
        array = np.array(values, np.float64)
    except OverflowError:  # a whole number of more than 308 digits
        return None
    sizes = np.abs(array)  # of a gap NaN, which is neither more nor less
    fine = not (sizes > LARGEST_INPUT).any() if column.takes_gaps else (sizes <= LARGEST_INPUT).all()
    return array if fine else None


def _number_problem(value: Any, column: Column) -> str | None:
    if type(value) not in NUMBERS:
        return f"{_shown(value)} is {_kind(value)}, a number is expected"
    try:
        number = math.nan if value is None else float(value)
    except OverflowError:
        return f"a whole number of {int(value.bit_length() * math.log10(2)) + 1} digits is too large"
    if math.isinf(number):
        return f"{number:g} is not finite"
    if abs(number) > LARGEST_INPUT:
        return f"{number:g} is beyond {LARGEST_INPUT:g}"
    return _gap_problem(column) if math.isnan(number) else None


def _texts(values: list[Any], column: Column) -> np.ndarray | None:
    """Text as training reads it: without blanks around it."""
    kinds = set(map(type, values))
    if dict in kinds:  # {"b64": "..."}, TensorFlow Serving's form for bytes
        values = [_from_base64(value) if type(value) is dict else value for value in values]
        kinds = set(map(type, values))
    if not kinds <= TEXTS:
        return None
    stripped = [value.strip() if value else "" for value in values]
    if not column.takes_gaps and "" in stripped:
        return None
    try:
        "".join(stripped).encode()
    except UnicodeEncodeError:
        return None
    texts = np.array(stripped, object)
    return None if column.date and first_no_date(column.date, texts) is not None else texts


def _text_problem(value: Any, column: Column) -> str | None:
    if type(value) is dict:
        value = _from_base64(value)
    if type(value) not in TEXTS:
        return f"{_shown(value)} is {_kind(value)}, text is expected"
    if not value or not value.strip():
        return _gap_problem(column)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"{_shown(value)} is no Unicode text: half of a surrogate pair at letter {error.start}"
    if column.date and first_no_date(column.date, np.array([value.strip()], object)) is not None:
        return f"{_shown(value)} is no date as {column.date}, which training's are"
    return None


def _from_base64(value: dict[str, Any]) -> Any:
    """The text in `{"b64": "..."}`, or the value itself if it is something else."""
    try:
        return base64.b64decode(value["b64"], validate=True).decode() if len(value) == 1 else value
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError):
        return value


def _array(rows: list[Any], column: Column) -> np.ndarray | None:
    if any(type(row) is not list or len(row) != column.width for row in rows):
        return None
    flat = _numbers(list(chain.from_iterable(rows)), column)
    return None if flat is None else flat.reshape(len(rows), column.width or 0)


def _array_problem(row: Any, column: Column) -> str | None:
    if type(row) is not list:
        return f"{_shown(row)} is {_kind(row)}, a list of {column.width} numbers is expected"
    if len(row) != column.width:
        return f"a list of {len(row)} values, {column.width} are expected"
    problems: Iterator[str] = (
        f"at {place}: {problem}" for place, value in enumerate(row) if (problem := _number_problem(value, column))
    )
    return next(problems, None)


def _gap_problem(column: Column) -> str | None:
    return None if column.takes_gaps else "a gap, and training rows had none in this column"


KINDS: dict[type, str] = {
    str: "text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _kind(value: Any) -> str:
    return KINDS[type(value)]


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "[...]" if isinstance(value, list) else "{...}"
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."
