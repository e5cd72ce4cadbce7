"""The screen: where tables and the lines below them go, and how numbers look there."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console


def console() -> Console:
    """Standard output. What is not a terminal has no width: then no line is broken or cut."""
    found = Console()
    return found if found.is_terminal else Console(width=200)


def say(console: Console, text: str) -> None:
    """Prints a line as it is: neither coloured nor broken."""
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def say_labelled(console: Console, label: str, text: str) -> None:
    """Prints a line as it is, behind what it is about."""
    say(console, f"{label:18}{text}")


def list_places(console: Console, places: Mapping[str, str]) -> None:
    """Prints where things lie, a line each, by their labels."""
    for label, place in places.items():
        say_labelled(console, label, place)


def number(value: float | None) -> str:
    """A score in a table: five digits; nothing where there is none."""
    return "" if value is None else f"{0 if abs(value) < 1e-12 else value:.5g}"
