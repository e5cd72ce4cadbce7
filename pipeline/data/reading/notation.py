"""Formats of numbers and dates in text: those that are recognized, and those that `data.column_formats` shows.

This file imports the standard library only: every MLflow model carries a copy of it and of `input_column.py`.
"""

from __future__ import annotations

import calendar
import datetime
import math
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

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
# Patterns that both Python's `re` and RE2 understand. A name has the order of year, month and day. The groups after
# them are hour, minute and second, and for moments with an offset from UTC its hours (with the sign) and minutes.
ISO, WITH_OFFSET = "year-month-day", " with offset"
DATE_PATTERNS = {name: day + _CLOCKS.get(name, _CLOCK).format(_UTC) for name, day in _DAYS.items()}
DATE_PATTERNS |= {name + WITH_OFFSET: day + _CLOCKS.get(name, _CLOCK).format(_OFFSET) for name, day in _DAYS.items()}

IN_NUMBERS = frozenset("0123456789+-.eE")
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
# `data.column_formats` shows how a column writes 1234.5: the separator of thousands, the decimal mark, and what comes
# before and after: "1.234,5", "$1,234.5", "1.5 kg". Signs may be on either side, or parentheses around the number.
NUMBER_EXAMPLE = re.compile(r"([^0-9%]*)1(?:([.,'\u2019 \u00a0\u202f\u2009_]?)234)?(?:([.,])5)?(\D*)")
PLACES, POWER = ("first", "inner", "last"), "(?P<power>[eE][+-]?[0-9]+)?"  # positions of a sign
OTHER_MARKS = {"\u066b": ".", "\uff0e": ".", "\u066c": ",", "\uff0c": ","}  # Arabic ones, and those of full width
WEEKDAY = re.compile("%[aAuw]")
BLANKS, APOSTROPHES, MINUSES = " \u00a0\u202f\u2009", "'\u2019", "\u2212\u2013-"


def number_in(text: str, decimal: str) -> int | float | None:
    """The number in a text as pandas reads it, whole numbers with all digits; None if it is not a number.

    Args:
        text: Without surrounding blanks.
        decimal: Decimal mark.
    """
    if decimal != ".":
        text = text.replace(decimal, ".") if "." not in text else ""  # here 1.102 may mean a thousand
    if not text or not (IN_NUMBERS.issuperset(text) or INFINITE.fullmatch(text)):  # Python reads more, such as 1_0
        return None
    try:
        return int(text) if text.isdigit() and len(text) < 300 else float(text)
    except ValueError:
        return None


def marked_number(mark: str) -> int | float | None:
    """The number that is a gap because of its mark; None for other text and for codes: 010 says nothing about 10."""
    return None if len(mark) > 1 and mark[0] == "0" and mark.isdigit() else number_in(mark, ".")


def marks_of(missing_values: Iterable[str | int | float]) -> tuple[str, ...]:
    """The texts of marks of gaps; for a whole number both -999 and -999.0, as in pandas."""
    found: list[str] = []
    for mark in map(str, missing_values):
        number = marked_number(mark)
        whole = number is not None and math.isfinite(number) and float(number).is_integer()
        found += [mark, f"{number:.0f}", f"{number:.1f}"] if whole else [mark]
    return tuple(dict.fromkeys(found))


def plain(text: str) -> str:
    """A text with the digits 0 to 9, point and comma in place of those of other scripts."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else OTHER_MARKS.get(letter, letter) for letter in text
    )


def number_written(example: str, text: str) -> float | None:
    """The number in a text that is written like 1234.5 in the example, in any script's digits; None if it is not.

    Args:
        example: 1234.5 in the column's format.
        text: The text to read.

    Raises:
        ValueError: The example does not show a number.
    """
    found = _written_as(example).fullmatch(plain(text))
    signs = [*filter(None, found.group("open", "first", "inner", "last"))] if found else []
    if found is None or len(signs) > 1:
        return None
    whole = re.sub("[^0-9]", "", found["whole"]) or "0"
    number = float(f"{whole}.{found['decimals'] or 0}{found['power'] or ''}")
    return number if not signs or signs == ["+"] else -number


@cache
def _written_as(example: str) -> re.Pattern[str]:
    """A pattern for numbers that are written like an example.

    Raises:
        ValueError: The example does not show a number.
    """
    found = NUMBER_EXAMPLE.fullmatch(example)
    before, thousands, decimal, behind = found.groups() if found else ("", "", "", "")
    if found is None or (thousands and thousands == decimal):
        raise ValueError(f"{example!r} shows neither a number, as '1.234,5' does, nor a date, as '%d/%m/%Y' does")
    decimal = re.escape(decimal or ("," if thousands == "." else "."))
    alike = next((marks for marks in (BLANKS, APOSTROPHES) if thousands and thousands in marks), thousands or "")
    grouped = rf"[1-9][0-9]{{0,2}}(?:[{alike}][0-9]{{2,3}})*[{alike}][0-9]{{3}}|" if alike else ""
    unit, currency = (rf"(?:{re.escape(affix.strip(f' ()+{MINUSES}'))})?" for affix in (behind, before))
    first, inner, last = (rf"(?P<{name}>[{plus}{MINUSES}])?" for name, plus in zip(PLACES, ("+", "+", ""), strict=True))
    number = (
        rf"(?P<whole>{grouped}[0-9]+|(?={decimal}[0-9]))(?:{decimal}(?P<decimals>[0-9]*))?(?P<power>[eE][+-]?[0-9]+)?"
    )
    return re.compile(r"\s*".join([r"(?P<open>\()?", first, currency, inner, number, unit, last, r"(?(open)\))"]))


def is_date_example(example: str) -> bool:
    """Whether an entry of `data.column_formats` shows a date rather than a number."""
    return "%" in example and NUMBER_EXAMPLE.fullmatch(example) is None


def moment_written(example: str, text: str) -> datetime.datetime | None:
    """The moment in a text, by one of Python's date formats; None if the text does not match.

    A week of ISO 8601 (%G and %V) without a day means its Monday.

    Args:
        example: A format as `strptime` takes it.
        text: The text to read.
    """
    text = plain(text)
    if "%V" in example and not WEEKDAY.search(example):
        text, example = f"{text} 1", f"{example} %u"
    try:
        return datetime.datetime.strptime(text, example)
    except (ValueError, re.error):
        return None


def fields_of(written: str) -> list[str]:
    """Year, month and day in the order of one of DATE_PATTERNS."""
    return re.findall("year|month|day", written)


def is_date(written: str, text: str) -> bool:
    """Whether a text is a date or a moment in a format of DATE_PATTERNS.

    Args:
        written: Name of the format.
        text: Without surrounding blanks.
    """
    found = re.fullmatch(DATE_PATTERNS[written], text)
    if found is None:
        return False
    day = dict(zip(fields_of(written), map(int, found.groups()[:3]), strict=True))
    return 1 <= day["month"] <= 12 and 1 <= day["day"] <= calendar.monthrange(day["year"], day["month"])[1]


def in_utc(written: str, text: str) -> str | None:
    """A moment with an offset from UTC as the same instant without one; None if the text is not such a moment.

    Args:
        written: Name of the format, without offset.
        text: Without surrounding blanks.
    """
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
    """A moment as text in a format of DATE_PATTERNS, with its time of day; in UTC if it has a zone.

    Args:
        written: Name of the format.
        moment: The moment.
    """
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC)
    written = written.removesuffix(WITH_OFFSET)
    for field, width in (("year", 4), ("month", 2), ("day", 2)):
        written = written.replace(field, f"{getattr(moment, field):0{width}}")
    return f"{written}T{moment:%H:%M:%S}"
