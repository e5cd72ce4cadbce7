"""An input column, and what a single value means in it, wherever it comes from.

Text is read by the model's format: marks of gaps, decimal mark, dates, no blanks around it. Typed values are taken as
they are; marks of gaps such as -999 are compared by value. This file imports numpy and pandas only: every MLflow model
carries a copy of it and of `clean.py`, by which it reads values in processes that do not have this package.
"""

from __future__ import annotations

import calendar
import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd

# Of inputs and targets: far within float32, in which a network computes. One larger value beside others would be all
# that a scaled column shows.
LARGEST_VALUE = 1e30
# What pandas takes for a gap, "NAN", and "?", which the UCI repository's files have.
MARKS = (
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NAN", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
BOOLEANS = {word: word.lower() == "true" for word in ("True", "TRUE", "true", "False", "FALSE", "false")}

_CLOCK = r"(?:[T ]([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]+)?)?{})?"
_BASIC_CLOCK = r"(?:[T ]?([01][0-9]|2[0-3]):?([0-5][0-9])(?::?([0-5][0-9])(?:\.[0-9]+)?)?{})?"  # 103000, or with colons
_UTC = r"(?:Z|[+-]00:?00)?"
_OFFSET = r" ?(?:Z|[+-]00(?::?00)?|(\+(?:0[0-9]|1[0-4])|-(?:0[1-9]|1[0-2]))(?::?([0-5][0-9]))?)?"
_DAYS = {
    "year-month-day": r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})",
    "year/month/day": r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})",
    "year.month.day": r"([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})",
    "day.month.year": r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})",
    "month/day/year": r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})",
    "day/month/year": r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})",
    "day-month-year": r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})",
    "month-day-year": r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})",
    "yearmonthday": r"((?:1[6-9]|2[01])[0-9]{2})([0-9]{2})([0-9]{2})",  # other numbers of eight digits are codes
}
_CLOCKS = {"yearmonthday": _BASIC_CLOCK}
# In what Python's `re` and RE2 have in common. A name says the order of year, month and day; the groups behind them are
# hour, minute and second, and of moments with an offset from UTC, the hours (with the sign) and minutes of that.
ISO, WITH_OFFSET = "year-month-day", " with offset"
DATE_PATTERNS = {name: day + _CLOCKS.get(name, _CLOCK).format(_UTC) for name, day in _DAYS.items()}
DATE_PATTERNS |= {name + WITH_OFFSET: day + _CLOCKS.get(name, _CLOCK).format(_OFFSET) for name, day in _DAYS.items()}

# `data.column_formats` shows how a column writes 1234.5: the mark between thousands, that of decimals, and what stands
# before and behind: "1.234,5", "$1,234.5", "1.5 kg". Signs may stand on either side, or parentheses around.
NUMBER_EXAMPLE = re.compile(r"([^0-9%]*)1(?:([.,'\u2019 \u00a0\u202f\u2009_]?)234)?(?:([.,])5)?(\D*)")
PLACES, POWER = ("first", "inner", "last"), "(?P<power>[eE][+-]?[0-9]+)?"  # places of a sign
BLANKS, APOSTROPHES, MINUSES = " \u00a0\u202f\u2009", "'\u2019", "\u2212\u2013-"

IN_NUMBERS = frozenset("0123456789+-.eE")
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
EXACT = 2**53  # from here on float64 leaves whole numbers out
SHOWN_LETTERS = 60
KINDS: dict[type | tuple[type, ...], str] = {
    str: "text", (bool, np.bool_): "a boolean", (Real, Decimal): "a number", datetime.date: "a date",
    (list, tuple, np.ndarray): "a list", dict: "an object", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True)
class TextFormat:
    """How text says numbers and gaps."""

    decimal: str = "."
    gaps_in_numbers: tuple[str, ...] = MARKS  # texts that are gaps in columns of numbers
    gaps_in_text: tuple[str, ...] = MARKS


@dataclass(frozen=True)
class InputColumn:
    """A raw column that a model takes."""

    name: str  # in the table it was trained on
    argument: str  # in the SavedModel's signature
    kind: str  # numeric, boolean, category or date
    dtype: str  # float64 or string, of the raw values
    shape: tuple[int | None, ...]  # (None,); of an array without column names (None, n)
    gaps: bool  # whether the table had any
    fill: float | str | None  # what a gap is taken for: a number, or in words; None where nothing fills it
    text: TextFormat = TextFormat()
    date: str | None = None  # how dates are written, one of DATE_PATTERNS; models of older versions do not say
    numbers: tuple[str, ...] | None = ()  # texts of a column of text that say a number or a truth value; None: unknown
    format: str | None = None  # how its text is written, by data.column_formats

    largest: ClassVar[float] = LARGEST_VALUE
    digits: ClassVar[frozenset[str]] = IN_NUMBERS

    @classmethod
    def of(cls, name: str, about: Mapping[str, Any], text: TextFormat) -> InputColumn:
        """The column that a manifest describes."""
        lists = {key: tuple(about[key]) for key in ("shape", "numbers") if about.get(key) is not None}
        return cls(**{"name": name, "text": text, **about, **lists})

    def to_json(self) -> dict[str, Any]:
        """What a manifest says of it under its name; the format of text is the same for all columns."""
        about = {key: getattr(self, key) for key in ("argument", "shape", "dtype", "kind", "gaps", "fill")}
        date = {"date": self.date} if self.date else {}
        numbers = {"numbers": self.numbers} if self.numbers != () else {}
        written = {"format": self.format} if self.format else {}
        return about | date | numbers | written

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
        """Whether its text says numbers as Python does."""
        return self.text.decimal == "." and self.format is None

    @cached_property
    def marks(self) -> frozenset[str]:
        """Texts that are gaps."""
        return frozenset(("", *(self.text.gaps_in_text if self.is_text else self.text.gaps_in_numbers)))

    @cached_property
    def marked_numbers(self) -> list[float]:
        """Numbers that are gaps."""
        found = (number_in(mark, ".") for mark in sorted(self.marks))
        return [float(number) for number in found if number is not None]

    @cached_property
    def texts_by_value(self) -> dict[tuple[str, Any], list[str]]:
        """Texts of training by the number or truth value that they say."""
        found: dict[tuple[str, Any], list[str]] = {}
        for text in self.numbers or ():
            key = ("word", BOOLEANS[text]) if text in BOOLEANS else ("number", number_in(text, self.text.decimal))
            found.setdefault(key, []).append(text)
        return found

    def number_of(self, value: Any) -> float:
        """The number that a value is in this column; NaN for a gap.

        Raises:
            ValueError: It is none, or is infinite or too large; with what is wrong.
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
            return self._bounded(number_written(self.format, text))
        if text in BOOLEANS:
            return float(BOOLEANS[text])
        number = number_in(text, self.text.decimal)
        if number is None:
            raise ValueError(
                f"{shown(value)} is no number; correct it (the decimal mark is {self.text.decimal!r}, and none stands "
                "between thousands), or train with data.missing_values naming it as a gap"
            )
        return self._bounded(number)

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
        return size

    def row_of(self, value: Any) -> list[Any]:
        """The values of a row of an array.

        Raises:
            ValueError: They are not as many as in training.
        """
        if not isinstance(value, list | tuple | np.ndarray):
            raise ValueError(f"{shown(value)} is {kind_of(value)}, a list of {self.width} numbers is expected")
        if len(value) != self.width:
            raise ValueError(f"a list of {len(value)} values, {self.width} are expected")
        return list(value)

    def text_of(self, value: Any) -> str:
        """The text that a value is in this column; `""` for a gap.

        Raises:
            ValueError: It is none, or no date where one is needed; with what is wrong.
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
            raise ValueError(f"{shown(value)} is no Unicode text: {said}") from None
        return self._date_in(text) if self.date or self.format else text

    def _date_in(self, text: str) -> str:
        """A date as the model takes it: written as in training, or as `data.column_formats` says of training's."""
        if self.date and is_date(self.date, text):
            return text
        if self.format is not None:
            return written_date(self.date or ISO, moment_written(self.format, text))
        instant = in_utc(self.date or ISO, text)
        if instant is None:
            raise ValueError(f"{shown(text)} is no date as {self.date}, which training's are; correct or empty it")
        return instant

    def _text_of_number(self, value: Any) -> str:
        """The one text that says this in training; a whole number is written plainly where all are in training."""
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
        more = "; give it as the text that training has for it, which writes numbers in several ways" if known else ""
        raise ValueError(f"{shown(value)} is {kind_of(value)}, {self._expected}{more}")

    @cached_property
    def _writes_plainly(self) -> bool:
        """Whether training has numbers, and all as Python writes them."""
        numbers = {value: texts for (says, value), texts in self.texts_by_value.items() if says == "number"}
        return bool(numbers) and all(texts == [str(value)] for value, texts in numbers.items())

    @property
    def _expected(self) -> str:
        return f"a date as {self.date} is expected" if self.date else "text is expected"


def columns_of(inputs: Mapping[str, Mapping[str, Any]], text: Mapping[str, Any]) -> dict[str, InputColumn]:
    """The columns by name, from what a manifest says of each, and of how text is written in all of them."""
    written = TextFormat(text["decimal"], tuple(text["gaps_in_numbers"]), tuple(text["gaps_in_text"]))
    return {name: InputColumn.of(name, about, written) for name, about in inputs.items()}


def marks_of(missing_values: Iterable[str | int | float]) -> tuple[str, ...]:
    """The texts that marks of gaps are; of a whole number both -999 and -999.0, as pandas takes them."""
    found: list[str] = []
    for mark in map(str, missing_values):
        number = number_in(mark, ".")
        whole = number is not None and math.isfinite(number) and float(number).is_integer()
        found += [mark, f"{number:.0f}", f"{number:.1f}"] if whole else [mark]
    return tuple(dict.fromkeys(found))


def is_gap(value: Any) -> bool:
    """Whether it is None, NaN, NaT or NA, of whichever library."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, Real | Decimal | np.datetime64 | np.timedelta64) and bool(value != value)


def number_in(text: str, decimal: str) -> int | float | None:
    """The number that a text says as pandas reads it, whole ones to the last digit; None if it says none."""
    if decimal != ".":
        text = text.replace(decimal, ".") if "." not in text else ""  # where 1.102 may well be a thousand
    if not text or not (IN_NUMBERS.issuperset(text) or INFINITE.fullmatch(text)):  # Python reads more, such as 1_0
        return None
    try:
        return int(text) if text.isdigit() and len(text) < 300 else float(text)
    except ValueError:
        return None


def number_written(example: str, text: str) -> float:
    """The number that a text says where 1234.5 is written as the example.

    Raises:
        ValueError: It says none.
    """
    found = _written_as(example).fullmatch(text)
    signs = [*filter(None, found.group("open", "first", "inner", "last"))] if found else []
    if found is None or len(signs) > 1:
        raise ValueError(f"{shown(text)} is no number as {example!r} in data.column_formats; correct it or the format")
    whole = re.sub("[^0-9]", "", found["whole"]) or "0"
    number = float(f"{whole}.{found['decimals'] or 0}{found['power'] or ''}")
    return number if not signs or signs == ["+"] else -number


@cache
def _written_as(example: str) -> re.Pattern[str]:
    """What matches numbers that are written as an example.

    Raises:
        ValueError: It is no example of a number.
    """
    found = NUMBER_EXAMPLE.fullmatch(example)
    before, thousands, decimal, behind = found.groups() if found else ("", "", "", "")
    if found is None or (thousands and thousands == decimal):
        raise ValueError(f"{example!r} shows neither a number, as '1.234,5' does, nor a date, as '%d/%m/%Y' does")
    decimal = re.escape(decimal or ("," if thousands == "." else "."))
    alike = next((marks for marks in (BLANKS, APOSTROPHES) if thousands and thousands in marks), thousands or "")
    grouped = rf"[0-9]{{1,3}}(?:[{alike}][0-9]{{2,3}})*[{alike}][0-9]{{3}}|" if alike else ""
    unit, currency = (rf"(?:{re.escape(affix.strip(f' ()+{MINUSES}'))})?" for affix in (behind, before))
    first, inner, last = (rf"(?P<{name}>[{plus}{MINUSES}])?" for name, plus in zip(PLACES, ("+", "+", ""), strict=True))
    number = (
        rf"(?P<whole>{grouped}[0-9]+|(?={decimal}[0-9]))(?:{decimal}(?P<decimals>[0-9]*))?(?P<power>[eE][+-]?[0-9]+)?"
    )
    return re.compile(r"\s*".join([r"(?P<open>\()?", first, currency, inner, number, unit, last, r"(?(open)\))"]))


def is_date_example(example: str) -> bool:
    """Whether an entry of `data.column_formats` shows dates, not numbers."""
    return "%" in example and NUMBER_EXAMPLE.fullmatch(example) is None


def moment_written(example: str, text: str) -> datetime.datetime:
    """The moment that a text says by one of Python's formats of dates; in UTC where it has an offset.

    Raises:
        ValueError: It says none.
    """
    try:
        return datetime.datetime.strptime(text, example)
    except (ValueError, re.error):
        said = f"{shown(text)} is no date as {example!r} in data.column_formats; correct it or the format"
        raise ValueError(said) from None


def fields_of(written: str) -> list[str]:
    """Year, month and day in the order of one of DATE_PATTERNS."""
    return re.findall("year|month|day", written)


def is_date(written: str, text: str) -> bool:
    """Whether a text is a date, or a moment, written in one of DATE_PATTERNS."""
    found = re.fullmatch(DATE_PATTERNS[written], text)
    if found is None:
        return False
    day = dict(zip(fields_of(written), map(int, found.groups()[:3]), strict=True))
    return 1 <= day["month"] <= 12 and 1 <= day["day"] <= calendar.monthrange(day["year"], day["month"])[1]


def in_utc(written: str, text: str) -> str | None:
    """A moment with an offset from UTC as the same instant without one; None if the text is none such."""
    found = re.fullmatch(DATE_PATTERNS.get(written + WITH_OFFSET, "(?!)"), text)
    if found is None or not is_date(written + WITH_OFFSET, text):
        return None
    *fields, hour, minute, second, hours, minutes = (int(group or 0) for group in found.groups())
    day = dict(zip(fields_of(written), fields, strict=True))
    try:
        moment = datetime.datetime(day["year"], day["month"], day["day"], hour, minute, second)
        ahead = datetime.timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes)
        return written_date(written, moment - ahead)
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        return None


def written_date(written: str, moment: datetime.datetime) -> str:
    """A moment as text in one of DATE_PATTERNS, with its time of day; in UTC if it has a zone."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC)
    written = written.removesuffix(WITH_OFFSET)
    for field, width in (("year", 4), ("month", 2), ("day", 2)):
        written = written.replace(field, f"{getattr(moment, field):0{width}}")
    return f"{written}T{moment:%H:%M:%S}"


def kind_of(value: Any) -> str:
    """What messages call it."""
    return next((word for kinds, word in KINDS.items() if isinstance(value, kinds)), f"of type {type(value).__name__}")


def shown(value: Any) -> str:
    """It, or its beginning, in printable letters."""
    if isinstance(value, list | tuple | np.ndarray | dict):
        return "{...}" if isinstance(value, dict) else "[...]"
    value = value.item() if isinstance(value, np.generic) else value
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."


def _exact(number: Any) -> int | float:
    """A number as int where it says one to the last digit."""
    if isinstance(number, Decimal):
        return int(number) if number.is_finite() and number == number.to_integral_value() else float(number)
    number = number.item() if isinstance(number, np.generic) else number
    if not (isinstance(number, float) and number.is_integer()):
        return number
    if abs(number) >= EXACT:
        raise ValueError(f"{shown(number)} may stand for several whole numbers; give it as text")
    return int(number)
