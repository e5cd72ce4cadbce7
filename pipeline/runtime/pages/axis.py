"""Axes of a chart: map values to positions between 0 and 1, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOG_FROM = 8  # ratio of the largest to the smallest value from which an axis is logarithmic
SMALLEST = 1e-100  # smaller values count as 0: their logarithms and steps would be inaccurate
MAX_LABELS = 12
FEW_VALUES = 6  # distinct numbers up to which each is labelled
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """A range of numbers, or a list of categories."""

    low: float
    high: float
    ticks: list[tuple[float, str]]  # value and label
    log: bool = False
    categories: tuple[str, ...] = ()

    def place(self, value: float | str) -> float:
        """Maps a value to a position from 0 at the low end to 1 at the high end; values beyond an end are clipped."""
        number = float(self.categories.index(str(value))) if self.categories else float(value)
        within = min(self.high, max(self.low, number))
        low, high, at = (math.log(part) if self.log else part for part in (self.low, self.high, within))
        return (at - low) / (high - low)

    def named(self, value: float) -> float | str:
        """Returns the category of a tick; for numbers the number itself."""
        return self.categories[int(value)] if self.categories else value


def of_categories(names: Sequence[str]) -> Axis:
    """Returns an axis of categories at equal distances, in the given order."""
    every = math.ceil(len(names) / MAX_LABELS)
    ticks = [(float(place), name) for place, name in enumerate(names) if place % every == 0]
    return Axis(-0.5, len(names) - 0.5, ticks, categories=tuple(names))


def of_numbers(values: Iterable[float], *, label_each: bool = False) -> Axis:
    """Returns a range with a margin at both ends; logarithmic if the values span a factor of LOG_FROM.

    Args:
        values: Finite numbers.
        label_each: Labels the values instead of round numbers if few are distinct.
    """
    distinct = sorted({value if abs(value) > SMALLEST else 0.0 for value in values}) or [0.0, 1.0]
    low, high = distinct[0], distinct[-1]
    log = low > 0 and high / low >= LOG_FROM
    few = label_each and len(distinct) <= FEW_VALUES
    own = [(value, label(value)) for value in distinct] if few else None
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return Axis(low - room, high + room, [(low, label(low))])
    if log:
        room = (high / low) ** 0.05
        return Axis(low / room, high * room, own or _round_factors(low / room, high * room), log=True)
    return linear(low, high, own)


def linear(low: float, high: float, ticks: list[tuple[float, str]] | None = None) -> Axis:
    """Returns a linear range with a margin at both ends.

    Args:
        low: Smallest value.
        high: Largest value.
        ticks: Values and labels; None makes round ticks.
    """
    room = (high - low) * 0.05 or abs(low) * 0.1 or 1.0
    return Axis(low - room, high + room, ticks or _round_steps(low - room, high + room))


def of_epochs(last: int) -> Axis:
    """Returns an axis of epochs from 0, with ticks at integers."""
    end = float(max(last, 1))
    return Axis(0.0, end * 1.02, [tick for tick in _round_steps(0.0, end * 1.02) if tick[0] == int(tick[0])])


def of_scores(values: Sequence[float], kept: Iterable[float] = ()) -> Axis:
    """Like of_numbers, but outliers, such as scores of diverged runs, are clipped to the edge.

    Args:
        values: Finite numbers.
        kept: Values that are never outliers, such as the best score.
    """
    return of_numbers([*_near(values), *kept])


def has_far_off(values: Sequence[float]) -> bool:
    """Whether an axis of these scores clips outliers."""
    return len(_near(values)) < len(values)


def _near(values: Sequence[float]) -> list[float]:
    ranked = sorted(values)
    lower, upper = (ranked[round((len(ranked) - 1) * part)] for part in (0.25, 0.75))
    reach = 3 * (upper - lower)
    return [value for value in ranked if lower - reach <= value <= upper + reach]


def label(value: float) -> str:
    """Formats a number briefly."""
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-3 <= size < 1e6:
        return f"{value:,.6g}" if size >= 1000 else f"{value:.4g}"
    mantissa, _, exponent = f"{value:.2g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _round_steps(low: float, high: float) -> list[tuple[float, str]]:
    """Returns about five ticks at round steps."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in STEPS if power * factor >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [(place * step, label(place * step)) for place in range(first, last + 1)]


def _round_factors(low: float, high: float) -> list[tuple[float, str]]:
    """Returns ticks at powers of ten, on a short range also at 2 and 5 times these."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    every = max(1, math.ceil(len(powers) / 7))
    found = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    return [(value, label(value)) for value in found if low <= value <= high]
