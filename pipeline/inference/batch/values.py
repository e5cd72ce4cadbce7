"""Values as training read them: which are gaps, what is a number, and how text is written."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.data.reading.dates import BY_NAME, DateFormat
from pipeline.data.reading.finite import LARGEST_VALUE
from pipeline.data.reading.numbers import by_training
from pipeline.errors import DataError
from pipeline.export.columns import no_date

MOMENT = "%Y-%m-%dT%H:%M:%S"


class Cleaner:
    """Turns the columns of a file into those of a model, by the model's types and never by what a block looks like."""

    def __init__(self, inputs: dict[str, dict[str, Any]], marks: Sequence[str], decimal: str) -> None:
        """Knows the model's columns, the marks of gaps, and the decimal mark."""
        self._inputs, self._decimal = inputs, decimal
        self._marks = set(marks) | {""}
        self._mark_array = pa.array(sorted(self._marks), pa.string())
        self._marked_numbers = [float(mark) for mark in marks if _is_number(mark)]

    def columns(self, block: pa.Table, first_row: int) -> dict[str, np.ndarray]:
        """The model's columns for a block of rows.

        Raises:
            DataError: A value is no number or no date where one is needed, or is infinite or too large; with column
                and row, from 0.
        """
        columns = {}
        for name, about in self._inputs.items():
            values = block[name].combine_chunks()
            if about["dtype"] == "string":
                columns[name] = self._text(name, values, BY_NAME.get(about.get("date", "")), first_row)
            else:
                columns[name] = self._number(name, values, about.get("kind") == "category", first_row)
        return columns

    def _text(self, name: str, values: Any, date: DateFormat | None, first_row: int) -> np.ndarray:
        """Each distinct text once; models of older versions do not say how their dates are written."""
        values = _without_zone(values)
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        levels = [self._written(level, date) for level in encoded.dictionary.to_pylist()]
        if date and (other := date.first_other(np.array(levels, dtype=object))) is not None:
            row = first_row + pc.index(encoded.indices, other).as_py()
            raise DataError(no_date(name, row, levels[other], date.name))
        indices = pc.fill_null(encoded.indices, len(levels)).to_numpy(zero_copy_only=False)
        return np.array([*levels, ""], dtype=object)[indices]

    def _written(self, level: Any, date: DateFormat | None) -> str:
        if isinstance(level, datetime.date):  # a datetime is one too
            moment = datetime.datetime.combine(level, _time_of(level))
            return date.write(moment) if date else moment.strftime(MOMENT)
        text = ("" if level is None else str(level)).strip()
        return "" if text in self._marks else text

    def _number(self, name: str, values: Any, is_code: bool, first_row: int) -> np.ndarray:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            numbers = self._parsed(name, values, is_code, first_row)
        else:
            try:
                numbers = pc.cast(values, pa.float64(), safe=False)
            except pa.ArrowException:
                raise DataError(f"column {name!r} holds {values.type}, but the model needs numbers in it") from None
        found = np.array(pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False))
        if self._marked_numbers:
            found[np.isin(found, self._marked_numbers)] = np.nan
        if len(beyond := np.flatnonzero(np.abs(found) > LARGEST_VALUE)):
            value = found[beyond[0]]
            said = "infinite" if np.isinf(value) else f"{value:g} is beyond {LARGEST_VALUE:g}"
            raise DataError(f"column {name!r}, row {first_row + beyond[0]}: {said}, but values must be finite or gaps")
        return found

    def _parsed(self, name: str, values: Any, is_code: bool, first_row: int) -> Any:
        text = pc.utf8_trim_whitespace(values)
        text = pc.if_else(pc.is_in(text, self._mark_array), None, text)
        if not is_code and self._decimal == ".":
            try:
                numbers = pc.cast(text, pa.float64())
                if not pc.any(pc.is_nan(numbers)).as_py():  # Arrow takes NAN for a number, training does not
                    return numbers
            except pa.ArrowInvalid:
                pass
        encoded = text.dictionary_encode()
        levels = encoded.dictionary.to_pylist()
        numbers, wrong = by_training(levels, self._decimal)
        if wrong is not None:
            row = first_row + pc.index(encoded.indices, wrong).as_py()
            raise DataError(
                f"column {name!r}, row {row}: {levels[wrong]!r} is no number; correct it (the decimal mark is "
                f"{self._decimal!r}, and none stands between thousands), or train with data.missing_values naming it "
                "as a gap"
            )
        return pc.take(pa.array(numbers, pa.float64()), encoded.indices)


def _without_zone(values: Any) -> Any:
    if pa.types.is_timestamp(values.type):
        return pc.cast(pc.cast(values, pa.timestamp("us", values.type.tz), safe=False), pa.timestamp("us"))
    return values


def _time_of(moment: datetime.date) -> datetime.time:
    return moment.time() if isinstance(moment, datetime.datetime) else datetime.time()


def _is_number(mark: str) -> bool:
    try:
        return not np.isnan(float(mark))
    except ValueError:
        return False
