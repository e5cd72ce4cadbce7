"""Dates as text: their formats, and the calendar features that a network can use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data.ops import FIELDS, NumpyOps, Ops
from pipeline.data.reading.notation import DATE_PATTERNS, WITH_OFFSET, fields_of, is_date


@dataclass(frozen=True)
class DateFormat:
    """A date format, with or without a time of day."""

    name: str
    pattern: str  # a regular expression that both Python's `re` and RE2 understand
    fields: tuple[str, ...]  # meaning of its groups

    def days(self, ops: Ops, x: Any) -> Any:
        """Days since 1970-01-01, with the time of day as fraction; NaN if the date does not exist."""
        return days_of(ops, self.parse(ops, x))

    def parse(self, ops: Ops, x: Any) -> dict[str, Any]:
        """Year, month, day, hour, minute and second, in UTC if there is an offset; all NaN if it is not a date."""
        found = ops.date_fields(x, self.pattern, self.fields)
        year, month, day = found["year"], found["month"], found["day"]
        right = (month >= 1) & (month <= 12) & (day >= 1) & (day <= _length_of_month(ops, year, month))
        times = {name: found[name] for name in self.fields[3:]}
        times = {name: ops.where(ops.isnan(value), 0.0, value) for name, value in times.items()}
        fields = {name: found.get(name) for name in FIELDS[:3]} | times
        if OFFSET[0] in fields:
            fields = _in_utc(ops, fields)
        return {name: ops.where(right, fields[name], math.nan) for name in FIELDS}

    def first_other(self, texts: np.ndarray) -> int | None:
        """Index of the first text that is neither a gap nor a date in this format; None if all are."""
        others = np.flatnonzero(np.isnan(self.days(NumpyOps(), texts)) & (texts != ""))
        return int(others[0]) if len(others) else None


OFFSET = ("offset_hours", "offset_minutes")  # ahead of UTC; the sign of the hours counts for the minutes
EITHER_WAY = {"day-month-year", "month-day-year"}
FORMATS = tuple(
    DateFormat(
        name,
        pattern,
        (*fields_of(name), "hour", "minute", "second", *(OFFSET if name.endswith(WITH_OFFSET) else ())),
    )
    for name, pattern in DATE_PATTERNS.items()
)


def formats_of(distinct: np.ndarray) -> list[DateFormat]:
    """The formats in which all texts except `""` are dates."""
    distinct = distinct[distinct != ""]
    # The first few rule out most columns without dates.
    likely = [written for written in FORMATS if len(distinct) and is_date(written.name, distinct[0])]
    return [written for written in likely if not np.isnan(written.days(NumpyOps(), distinct)).any()]


def format_of(distinct: np.ndarray) -> DateFormat | None:
    """The first format in which all texts except `""` are dates; None if there is none, or no text.

    So 03-11-2015 is read as a date only if another text has a day above 12, which shows the position of the days.
    """
    found = formats_of(distinct)
    undecided = {written.name.removesuffix(WITH_OFFSET) for written in found} >= EITHER_WAY
    return None if undecided or not found else found[0]


def days_of(ops: Ops, fields: dict[str, Any]) -> Any:
    """Days since 1970-01-01 in the Gregorian calendar.

    The year is counted from March, so that the leap day is its last (Richards 2013, Explanatory Supplement to the
    Astronomical Almanac, section 15.11.3).

    Args:
        ops: NumPy or TensorFlow.
        fields: Numbers `(n_rows,)` by name: year, month, day, hour, minute, second.
    """
    month, after_february = fields["month"], ops.number(fields["month"] >= 3)
    year = fields["year"] - (1 - after_february)
    month_from_march = month - 3 + 12 * (1 - after_february)
    of_year = ops.floor((153 * month_from_march + 2) / 5) + fields["day"] - 1
    leap_days = ops.floor(year / 4) - ops.floor(year / 100) + ops.floor(year / 400)
    whole = 365 * year + leap_days + of_year - 719468
    return whole + (fields["hour"] * 3600 + fields["minute"] * 60 + fields["second"]) / 86400


def _in_utc(ops: Ops, fields: dict[str, Any]) -> dict[str, Any]:
    """Subtracts a moment's offset, with the inverse of `days_of` (Richards, as there).

    A half is added before each division, because TensorFlow multiplies by the reciprocal.
    """
    hours, ahead = fields["offset_hours"], fields["offset_minutes"]
    minutes = fields["hour"] * 60 + fields["minute"] - hours * 60 - ops.where(hours < 0, -ahead, ahead)
    days_later = ops.floor((minutes + 0.5) / 1440)
    minutes = minutes - 1440 * days_later
    hour = ops.floor((minutes + 0.5) / 60)
    midnight = {**fields, "hour": 0.0, "minute": 0.0, "second": 0.0}
    day = days_of(ops, midnight) + days_later + 719468  # since 0000-03-01
    era = ops.floor((day + 0.5) / 146097)
    of_era = day - 146097 * era
    leap = ops.floor((of_era + 0.5) / 1460) - ops.floor((of_era + 0.5) / 36524) + ops.floor((of_era + 0.5) / 146096)
    year = ops.floor((of_era - leap + 0.5) / 365)
    of_year = of_era - 365 * year - ops.floor((year + 0.5) / 4) + ops.floor((year + 0.5) / 100)
    month_from_march = ops.floor((5 * of_year + 2.5) / 153)
    after_december = ops.number(month_from_march >= 10)
    return {
        "year": year + 400 * era + after_december,
        "month": month_from_march + 3 - 12 * after_december,
        "day": of_year - ops.floor((153 * month_from_march + 2.5) / 5) + 1,
        "hour": hour,
        "minute": minutes - 60 * hour,
        "second": fields["second"],
    }


def circle(ops: Ops, value: Any, period: float) -> list[Any]:
    """Sine and cosine of a value that repeats after `period`: December is next to January.

    Args:
        ops: NumPy or TensorFlow.
        value: Numbers `(n_rows,)`.
        period: After which they repeat.
    """
    angle = value * (2 * math.pi / period)
    return [ops.sin(angle), ops.cos(angle)]


def weekday(ops: Ops, days: Any) -> Any:
    """0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday.

    Args:
        ops: NumPy or TensorFlow.
        days: Days since 1970-01-01, `(n_rows,)`.
    """
    whole = ops.floor(days) + 3
    return whole - 7 * ops.floor(whole / 7)


def _length_of_month(ops: Ops, year: Any, month: Any) -> Any:
    leap = ((year - 4 * ops.floor(year / 4)) == 0) & (
        ((year - 100 * ops.floor(year / 100)) != 0) | ((year - 400 * ops.floor(year / 400)) == 0)
    )
    short = (month == 4) | (month == 6) | (month == 9) | (month == 11)
    february = ops.where(leap, 29.0, 28.0)
    return ops.where(month == 2, february, ops.where(short, 30.0, 31.0))
