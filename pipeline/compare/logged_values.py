"""Logged values, which are texts: as numbers where they are, in order, and short enough to show."""

from __future__ import annotations

import json
from collections.abc import Iterable

LARGEST = 1e100
LONG = 8  # letters of a number that nobody typed

Value = float | str


def parsed(value: str) -> Value:
    """A logged value as a number where it is one."""
    try:
        found = json.loads(value)
    except ValueError:
        return value
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and is_usable(found)
    return float(found) if is_number else value


def is_usable(number: float) -> bool:
    """Whether one can reckon with it: finite, and its square too."""
    return abs(number) < LARGEST


def short(value: str) -> str:
    """A logged value for a reader: of a drawn number its first four digits."""
    found = parsed(value)
    return f"{found:.4g}" if isinstance(found, float) and len(value) > LONG else value


def ordered(values: Iterable[str]) -> list[str]:
    """Distinct values in an order that means something: numbers by size, lists by sum, texts by the alphabet."""
    return sorted(set(values), key=order)


def order(value: str) -> tuple[int, float, int, str]:
    """What to sort logged values by."""
    number = parsed(value)
    if isinstance(number, float):
        return 0, number, 0, value
    try:
        entries = [float(entry) for entry in json.loads(value)]
    except (ValueError, TypeError):
        return 2, 0.0, 0, value
    return 1, sum(entries), len(entries), value
