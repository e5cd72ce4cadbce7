"""Logged values, which are strings: conversion to numbers, order, and short forms for display."""

from __future__ import annotations

import json
from collections.abc import Iterable

LARGEST = 1e100
LONG = 8  # characters of a number that was drawn, not typed

Value = float | str


def parsed(value: str) -> Value:
    """Converts a logged value to a number if it is one."""
    try:
        found = json.loads(value)
    except ValueError:
        return value
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and is_usable(found)
    return float(found) if is_number else value


def is_usable(number: float) -> bool:
    """Whether the number and its square are finite."""
    return abs(number) < LARGEST


def short(value: str) -> str:
    """Shortens a logged value for display: a drawn number to four digits."""
    found = parsed(value)
    return f"{found:.4g}" if isinstance(found, float) and len(value) > LONG else value


def ordered(values: Iterable[str]) -> list[str]:
    """Returns distinct values in a natural order: numbers by size, lists by sum, strings alphabetically."""
    return sorted(set(values), key=order)


def order(value: str) -> tuple[int, float, int, str]:
    """Returns the sort key of a logged value."""
    number = parsed(value)
    if isinstance(number, float):
        return 0, number, 0, value
    try:
        entries = [float(entry) for entry in json.loads(value)]
    except (ValueError, TypeError):
        return 2, 0.0, 0, value
    return 1, sum(entries), len(entries), value
