"""Axes of a drawing: from values to places between 0 and 1, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOG_FROM = 8  # ratio of the largest to the smallest from which equal factors are equal distances
SMALLEST = 1e-100  # but for 0; beyond, logarithms and steps are not computed rightly
MAX_LABELS = 12
FEW_VALUES = 6  # of numbers, which are then labelled themselves
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """A range, or a list of categories."""

    low: float
    high: float
    ticks: list[tuple[float, str]]  # value and label
    log: bool = False
    categories: tuple[str, ...] = ()

    def place(self, value: float | str) -> float:
        """From 0 at the low end to 1 at the high one; a value beyond an end lies on it."""
        number = float(self.categories.index(str(value))) if self.categories else float(value)
        within = min(self.high, max(self.low, number))
        low, high, at = (math.log(part) if self.log else part for part in (self.low, self.high, within))
        return (at - low) / (high - low)

    def named(self, value: float) -> float | str:
        """The category that a tick stands for; of numbers the number itself."""
        return self.categories[int(value)] if self.categories else value


def of_categories(names: Sequence[str]) -> Axis:
    """Equal distances, in the order given."""
    every = math.ceil(len(names) / MAX_LABELS)
    ticks = [(float(place), name) for place, name in enumerate(names) if place % every == 0]
    return Axis(-0.5, len(names) - 0.5, ticks, categories=tuple(names))


def of_numbers(values: Iterable[float], *, label_each: bool = False) -> Axis:
    """A range with a little room at both ends; logarithmic where the values span factors.

    Args:
        values: Finite numbers.
        label_each: Where there are few distinct values, label these and no round ones.
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
    """A range with a little room at both ends.

    Args:
        low: The lower end of what it holds.
        high: The upper one.
        ticks: Values and their labels; None makes round ones.
    """
    room = (high - low) * 0.05 or abs(low) * 0.1 or 1.0
    return Axis(low - room, high + room, ticks or _round_steps(low - room, high + room))


def of_epochs(last: int) -> Axis:
    """From 0, however many there are."""
    end = float(max(last, 1))
    return Axis(0.0, end * 1.02, [tick for tick in _round_steps(0.0, end * 1.02) if tick[0] == int(tick[0])])


def of_scores(values: Sequence[float], kept: Iterable[float] = ()) -> Axis:
    """As of_numbers, but for a few far-off values, as diverged runs have, which lie on the edge.

    Args:
        values: Finite numbers.
        kept: Those that are never far off, as the best score is.
    """
    return of_numbers([*_near(values), *kept])


def has_far_off(values: Sequence[float]) -> bool:
    """Whether an axis of these scores has some on its edge."""
    return len(_near(values)) < len(values)


def _near(values: Sequence[float]) -> list[float]:
    ranked = sorted(values)
    lower, upper = (ranked[round((len(ranked) - 1) * part)] for part in (0.25, 0.75))
    reach = 3 * (upper - lower)
    return [value for value in ranked if lower - reach <= value <= upper + reach]


def label(value: float) -> str:
    """A number as short as it can be told."""
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-3 <= size < 1e6:
        return f"{value:,.6g}" if size >= 1000 else f"{value:.4g}"
    mantissa, _, exponent = f"{value:.2g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _round_steps(low: float, high: float) -> list[tuple[float, str]]:
    """About five."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in STEPS if power * factor >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [(place * step, label(place * step)) for place in range(first, last + 1)]


def _round_factors(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten, with 2 and 5 times them on a short range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    every = max(1, math.ceil(len(powers) / 7))
    found = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    return [(value, label(value)) for value in found if low <= value <= high]
