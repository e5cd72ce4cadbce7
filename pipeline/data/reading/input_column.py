"""An input column, and the meaning of a single value in it, whatever its source.

Text is read in the model's format: marks of gaps, decimal mark, dates, no surrounding blanks. Typed values are taken
as they are; marks of gaps such as -999 are compared by value. This file imports numpy, pandas and `notation.py`: every
MLflow model carries a copy of both and of `parse_inputs.py`, so that it reads values without this package.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import product
from numbers import Real
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd

from pipeline.data.reading.notation import (
    IN_NUMBERS,
    ISO,
    in_utc,
    is_date,
    marked_number,
    moment_written,
    number_in,
    number_written,
    written_date,
)

# For inputs and targets: far within float32, in which a network computes. Beside one larger value, all others would
# become the same scaled number.
LARGEST_VALUE = 1e30
# What pandas reads as a gap, "NAN", and "?", which files of the UCI repository use.
MARKS = (
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NAN", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
# In any case of letters, as pandas reads them from files.
BOOLEANS = {
    "".join(letters): word == "true"
    for word in ("true", "false")
    for letters in product(*zip(word, word.upper(), strict=True))
}

Found = TypeVar("Found")
EXACT = 2**53  # from here on float64 skips whole numbers
SHOWN_LETTERS = 60
KINDS: dict[type | tuple[type, ...], str] = {
    str: "text", (bool, np.bool_): "a boolean", (Real, Decimal): "a number", datetime.date: "a date",
    (list, tuple, np.ndarray): "a list", dict: "an object", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True)
class TextFormat:
    """The format of numbers and gaps in text."""

    decimal: str = "."
    gaps_in_numbers: tuple[str, ...] = MARKS  # texts that are gaps in columns of numbers
    gaps_in_text: tuple[str, ...] = MARKS


@dataclass(frozen=True)
class InputColumn:
    """A raw column that a model takes."""

    name: str  # in the training table
    argument: str  # in the SavedModel's signature
    kind: str  # numeric, boolean, category or date
    dtype: str  # float64 or string, of the raw values
    shape: tuple[int | None, ...]  # (None,); of an array without column names (None, n)
    gaps: bool  # whether the training table had any
    fill: float | str | None  # what replaces a gap: a number, or its description; None if nothing does
    text: TextFormat = TextFormat()
    date: str | None = None  # format of dates, one of DATE_PATTERNS; None in models of older versions
    numbers: tuple[str, ...] | None = ()  # texts that say a number or boolean in a column of text; None: unknown
    format: str | None = None  # format of its text, from data.column_formats
    whole: bool = False  # whether all training numbers were whole; False in models of older versions
    words: bool = True  # whether true and false mean 1 and 0 in a column of numbers; True in models of older versions

    largest: ClassVar[float] = LARGEST_VALUE
    digits: ClassVar[frozenset[str]] = IN_NUMBERS

    @classmethod
    def of(cls, name: str, about: Mapping[str, Any], text: TextFormat) -> InputColumn:
        """The column that a manifest describes.

        Args:
            name: The column.
            about: Its entry in the manifest.
            text: The format of text, which is the same for all columns.
        """
        lists = {key: tuple(about[key]) for key in ("shape", "numbers") if about.get(key) is not None}
        return cls(**{"name": name, "text": text, **about, **lists})

    def to_json(self) -> dict[str, Any]:
        """The manifest's entry for the column, without the format of text, which is the same for all columns."""
        about = {key: getattr(self, key) for key in ("argument", "shape", "dtype", "kind", "gaps", "fill")}
        date = {"date": self.date} if self.date else {}
        numbers = {"numbers": self.numbers} if self.numbers != () else {}
        written = {"format": self.format} if self.format else {}
        words = {} if self.words or self.is_text else {"words": False}
        whole = {"whole": True} if self.whole else {}
        return about | date | numbers | written | whole | words

    @property
    def is_text(self) -> bool:
        """Whether its raw values are text."""
        return self.dtype == "string"

    @property
    def width(self) -> int | None:
        """Numbers per row of an array; None for a column of a table."""
        return self.shape[1] if len(self.shape) == 2 else None

    @property
    def is_plain(self) -> bool:
        """Whether its text writes numbers as Python does."""
        return self.text.decimal == "." and self.format is None

    @cached_property
    def marks(self) -> frozenset[str]:
        """Texts that are gaps."""
        return frozenset(("", *(self.text.gaps_in_text if self.is_text else self.text.gaps_in_numbers)))

    @cached_property
    def marked_numbers(self) -> list[float]:
        """Numbers that are gaps."""
        found = (marked_number(mark) for mark in sorted(self.marks))
        return [float(number) for number in found if number is not None]

    @cached_property
    def texts_by_value(self) -> dict[tuple[str, Any], list[str]]:
        """Training texts by the number or boolean that they mean."""
        found: dict[tuple[str, Any], list[str]] = {}
        for text in self.numbers or ():
            key = ("word", BOOLEANS[text]) if text in BOOLEANS else ("number", number_in(text, self.text.decimal))
            found.setdefault(key, []).append(text)
        return found

    def number_of(self, value: Any) -> float:
        """The number that a value means in this column; NaN for a gap.

        Raises:
            ValueError: The value is not a number, is infinite or is too large; with the reason.
        """
        if is_gap(value):
            return math.nan
        if isinstance(value, str):
            return self._number_in(value)
        if isinstance(value, datetime.timedelta | np.timedelta64):
            value = pd.Timedelta(value).total_seconds()
        if not isinstance(value, Real | Decimal | np.bool_):
            raise ValueError(f"{shown(value)} is {kind_of(value)}, a number is expected")
        return self._bounded(value)

    def _number_in(self, value: str) -> float:
        text = value.strip()
        if text in self.marks:
            return math.nan
        if self.format is not None:
            return self._bounded(self._in_format(number_written(self.format, text), text))
        if self.words and text in BOOLEANS:
            return float(BOOLEANS[text])
        number = number_in(text, self.text.decimal)
        if number is None:
            raise ValueError(
                f"{shown(value)} is not a number; correct it (the decimal mark is {self.text.decimal!r}, without "
                "separators of thousands), or name it in data.missing_values and train again"
            )
        return self._bounded(number)

    def impossible(self, numbers: np.ndarray) -> np.ndarray:
        """Which of `(n_rows,)` numbers the column cannot hold; `number_of` gives the reason."""
        if self.kind == "boolean":
            return ~((numbers == 0) | (numbers == 1) | np.isnan(numbers))
        found: np.ndarray = np.abs(numbers) > self.largest
        return found

    def _bounded(self, number: Any) -> float:
        try:
            size = float(number)
        except OverflowError:
            digits = int(math.log10(abs(number))) + 1
            raise ValueError(f"a whole number of {digits} digits is too large") from None
        if size in self.marked_numbers:
            return math.nan
        if abs(size) > LARGEST_VALUE:
            said = "infinite" if math.isinf(size) else f"beyond {LARGEST_VALUE:g}"
            raise ValueError(f"{size:g} is {said}, but values must be finite or gaps")
        if self.kind == "boolean" and size not in (0, 1):
            raise ValueError(f"{size:g} is not a boolean; true, false, 1 or 0 is expected")
        return size

    def _in_format(self, found: Found | None, text: str) -> Found:
        if found is None:
            said = f"{shown(text)} is not written as {self.format!r} in data.column_formats; correct it or the format"
            raise ValueError(said)
        return found

    def row_of(self, value: Any) -> list[Any]:
        """The values of an array's row.

        Raises:
            ValueError: The number of values differs from training.
        """
        if not isinstance(value, list | tuple | np.ndarray):
            raise ValueError(f"{shown(value)} is {kind_of(value)}, a list of {self.width} numbers is expected")
        if len(value) != self.width:
            raise ValueError(f"a list of {len(value)} values, {self.width} are expected")
        return list(value)

    def text_of(self, value: Any) -> str:
        """The text that a value means in this column; `""` for a gap.

        Raises:
            ValueError: The value is not text, or not a date in a column of dates; with the reason.
        """
        if is_gap(value):
            return ""
        if isinstance(value, Real | Decimal | np.bool_):
            return self._text_of_number(value)
        if isinstance(value, datetime.date | np.datetime64):
            return written_date(self.date or ISO, pd.Timestamp(value))
        if isinstance(value, datetime.time):
            value = str(value)
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is {kind_of(value)}, {self._expected}")
        text = value.strip()
        if text in self.marks:
            return ""
        try:
            text.encode()
        except UnicodeEncodeError as error:
            said = f"half of a surrogate pair at letter {error.start}"
            raise ValueError(f"{shown(value)} is not Unicode text: {said}") from None
        return self._date_in(text) if self.date or self.format else text

    def _date_in(self, text: str) -> str:
        """A date in the format that the model takes, from the format of `data.column_formats` or that of training."""
        moment = moment_written(self.format, text) if self.format is not None else None
        if moment is None and self.date and is_date(self.date, text):
            return text
        if self.format is not None:
            return written_date(self.date or ISO, self._in_format(moment, text))
        instant = in_utc(self.date or ISO, text)
        if instant is None:
            raise ValueError(f"{shown(text)} is not a date as {self.date}, the format in training; correct or empty it")
        return instant

    def _text_of_number(self, value: Any) -> str:
        """The only training text for this number; a whole number is written plainly if all are in training."""
        is_word = isinstance(value, bool | np.bool_)
        exact = bool(value) if is_word else _exact(value)
        if exact in self.marked_numbers and not is_word:
            return ""
        if self.format is not None and not is_word:  # 20240131 by %Y%m%d
            return self._date_in(str(exact))
        known = self.texts_by_value
        texts = known.get(("word" if is_word else "number", exact), [])
        if len(texts) == 1:
            return texts[0]
        if (self.numbers is None and not self.date) or (type(exact) is int and self._writes_plainly):
            return str(exact)
        more = "; give the text as in training, which writes numbers in several ways" if known else ""
        raise ValueError(f"{shown(value)} is {kind_of(value)}, {self._expected}{more}")

    @cached_property
    def _writes_plainly(self) -> bool:
        """Whether training has numbers, and writes all as Python does."""
        numbers = {value: texts for (says, value), texts in self.texts_by_value.items() if says == "number"}
        return bool(numbers) and all(texts == [str(value)] for value, texts in numbers.items())

    @property
    def _expected(self) -> str:
        return f"a date as {self.date} is expected" if self.date else "text is expected"


def columns_of(inputs: Mapping[str, Mapping[str, Any]], text: Mapping[str, Any]) -> dict[str, InputColumn]:
    """The columns by name, from a manifest.

    Args:
        inputs: The manifest's entry for each column.
        text: Its entry for the format of text, which is the same for all columns.
    """
    written = TextFormat(text["decimal"], tuple(text["gaps_in_numbers"]), tuple(text["gaps_in_text"]))
    return {name: InputColumn.of(name, about, written) for name, about in inputs.items()}


def is_gap(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or NA, of any library."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, Real | Decimal | np.datetime64 | np.timedelta64) and bool(value != value)


def kind_of(value: Any) -> str:
    """What messages call the value's type."""
    return next((word for kinds, word in KINDS.items() if isinstance(value, kinds)), f"of type {type(value).__name__}")


def shown(value: Any) -> str:
    """The value, or its beginning, in printable letters."""
    if isinstance(value, list | tuple | np.ndarray | dict):
        return "{...}" if isinstance(value, dict) else "[...]"
    value = value.item() if isinstance(value, np.generic) else value
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."


def _exact(number: Any) -> int | float:
    """A number as int if that is exact."""
    if isinstance(number, Decimal):
        return int(number) if number.is_finite() and number == number.to_integral_value() else float(number)
    number = number.item() if isinstance(number, np.generic) else number
    if not (isinstance(number, float) and number.is_integer()):
        return number
    if abs(number) >= EXACT:
        raise ValueError(f"{shown(number)} may stand for several whole numbers; give it as text")
    return int(number)
