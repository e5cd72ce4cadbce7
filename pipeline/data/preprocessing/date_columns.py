"""Columns of dates: the elapsed time and the position in the calendar."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.preprocessing.scaling import ComposedTransform, fit_scaling, flat
from pipeline.data.reading.dates import DateFormat, circle, days_of, format_of, formats_of, weekday
from pipeline.data.reading.raw_columns import TextArray

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Date:
    """Calendar features: elapsed time and year, standardized; month, day of week and, if present, hour as circles."""

    column: str
    written: DateFormat
    has_time: bool
    elapsed: ComposedTransform
    year: ComposedTransform

    @property
    def names(self) -> tuple[str, ...]:
        """Column and feature of each input; in a gap all features are 0."""
        circles = ["month", "day of week", *(["hour"] if self.has_time else [])]
        rounds = [f"{self.column} {name} {part}" for name in circles for part in ("sine", "cosine")]
        return (f"{self.column} elapsed", f"{self.column} year", *rounds)

    @property
    def quantities(self) -> tuple[int, ...]:
        """Positions of elapsed time and year, unless they are constant in training rows."""
        return tuple(place for place, chain in enumerate((self.elapsed, self.year)) if not chain.is_flat)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """One number for each name."""
        fields = self.written.parse(ops, x)
        days = days_of(ops, fields)
        midnight = days_of(ops, fields | {"hour": 0.0, "minute": 0.0, "second": 0.0})  # float32 rounds 23:59:59 up
        gap = ops.isnan(days)
        parts = [
            self.elapsed.apply(ops, ops.where(gap, 0.0, days)),
            self.year.apply(ops, ops.where(gap, 0.0, fields["year"])),
            *circle(ops, fields["month"] - 1, 12),
            *circle(ops, weekday(ops, midnight), 7),
        ]
        if self.has_time:
            parts += circle(ops, fields["hour"] + fields["minute"] / 60, 24)
        return [ops.where(gap, 0.0, part) for part in parts]


def fit_date(column: str, values: TextArray) -> Date:
    """Learns how the training rows' dates are written, and the time that they span.

    Args:
        column: The column's name.
        values: Its training rows.
    """
    ops = NumpyOps()
    values = values.used()
    written = format_of(values.levels)
    assert written is not None  # column_kinds.py has checked that these are dates
    fields = written.parse(ops, values.levels)
    days = days_of(ops, fields)
    codes = values.codes[~values.gaps()]
    if "day/month/year" in [other.name for other in formats_of(values.levels)] and written.name == "month/day/year":
        text = "column %r: %s is taken as month/day/year, though it could be day/month/year"
        log.warning(text, column, values.levels[codes[0]])
    elapsed, year = (_standardized(column, numbers[codes]) for numbers in (days, fields["year"]))
    has_time = bool((days[~np.isnan(days)] % 1 != 0).any())
    return Date(column, written, has_time, elapsed, year)


def _standardized(column: str, numbers: np.ndarray) -> ComposedTransform:
    """The scaling of a part of a date; a year that is constant in training rows is ignored."""
    low = float(numbers.min())
    return flat(low) if low == numbers.max() else fit_scaling(numbers, "standard", column)
