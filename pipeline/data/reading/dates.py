"""Dates as text: how they are written, and the calendar features that a network can use."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data.ops import FIELDS, NumpyOps, Ops
from pipeline.data.reading.input_column import DATE_PATTERNS


@dataclass(frozen=True)
class DateFormat:
    """A way to write dates, each with or without a time of day."""

    name: str
    pattern: str  # a regular expression, in what Python's `re` and RE2 have in common
    fields: tuple[str, ...]  # what its groups stand for

    def days(self, ops: Ops, x: Any) -> Any:
        """Days since 1970-01-01, with the time of day as fraction; NaN where there is no such date."""
        return days_of(ops, self.parse(ops, x))

    def parse(self, ops: Ops, x: Any) -> dict[str, Any]:
        """Year, month, day, hour, minute and second; all NaN where the text is no date."""
        found = ops.date_fields(x, self.pattern, self.fields)
        year, month, day = found["year"], found["month"], found["day"]
        right = (month >= 1) & (month <= 12) & (day >= 1) & (day <= _length_of_month(ops, year, month))
        fields = {}
        for name in FIELDS:
            value = found[name]
            if name in ("hour", "minute", "second"):
                value = ops.where(ops.isnan(value), 0.0, value)
            fields[name] = ops.where(right, value, math.nan)
        return fields

    def first_other(self, texts: np.ndarray) -> int | None:
        """Where the first of some texts is that is neither a gap nor a date in this format; None if there is none."""
        others = np.flatnonzero(np.isnan(self.days(NumpyOps(), texts)) & (texts != ""))
        return int(others[0]) if len(others) else None


FORMATS = tuple(
    DateFormat(name, pattern, (*re.split("[-/.]", name), "hour", "minute", "second"))
    for name, pattern in DATE_PATTERNS.items()
)


def format_of(distinct: np.ndarray) -> DateFormat | None:
    """The first format in which all of these texts but `""` are dates; None if there is none, or no text."""
    distinct = distinct[distinct != ""]
    if not len(distinct):
        return None
    for candidate in FORMATS:
        # The first few show of most columns that they hold no such dates.
        if not any(np.isnan(candidate.days(NumpyOps(), texts)).any() for texts in (distinct[:1], distinct)):
            return candidate
    return None


def days_of(ops: Ops, fields: dict[str, Any]) -> Any:
    """Days since 1970-01-01 in the Gregorian calendar, from its fields.

    The year is counted from March, so that the leap day is its last (Richards 2013, Explanatory Supplement to the
    Astronomical Almanac, section 15.11.3).
    """
    month, after_february = fields["month"], ops.number(fields["month"] >= 3)
    year = fields["year"] - (1 - after_february)
    month_from_march = month - 3 + 12 * (1 - after_february)
    of_year = ops.floor((153 * month_from_march + 2) / 5) + fields["day"] - 1
    leap_days = ops.floor(year / 4) - ops.floor(year / 100) + ops.floor(year / 400)
    whole = 365 * year + leap_days + of_year - 719468
    return whole + (fields["hour"] * 3600 + fields["minute"] * 60 + fields["second"]) / 86400


def circle(ops: Ops, value: Any, period: float) -> list[Any]:
    """Sine and cosine of a value that comes around after `period`: December is next to January."""
    angle = value * (2 * math.pi / period)
    return [ops.sin(angle), ops.cos(angle)]


def weekday(ops: Ops, days: Any) -> Any:
    """0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday."""
    whole = ops.floor(days) + 3
    return whole - 7 * ops.floor(whole / 7)


def _length_of_month(ops: Ops, year: Any, month: Any) -> Any:
    leap = ((year - 4 * ops.floor(year / 4)) == 0) & (
        ((year - 100 * ops.floor(year / 100)) != 0) | ((year - 400 * ops.floor(year / 400)) == 0)
    )
    short = (month == 4) | (month == 6) | (month == 9) | (month == 11)
    february = ops.where(leap, 29.0, 28.0)
    return ops.where(month == 2, february, ops.where(short, 30.0, 31.0))
