"""Prints tables, lines and numbers to the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Returns a console for standard output, 200 characters wide if that is not a terminal."""
    from rich.console import Console  # slow to import

    found = Console()
    return found if found.is_terminal else Console(width=200)


def say(console: Console, text: str) -> None:
    """Prints a line without colours or line breaks.

    Args:
        console: Where to print.
        text: The line.
    """
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def say_labelled(console: Console, label: str, text: str) -> None:
    """Prints a line after its label.

    Args:
        console: Where to print.
        label: At most 17 characters.
        text: The line.
    """
    say(console, f"{label:18}{text}")


def list_places(console: Console, places: Mapping[str, str]) -> None:
    """Prints paths, addresses or commands, a line each.

    Args:
        console: Where to print.
        places: What to print, by label.
    """
    for label, place in places.items():
        say_labelled(console, label, place)


def number(value: float | None) -> str:
    """Formats a score for a table with five digits; an empty text for None."""
    return "" if value is None else f"{0 if abs(value) < 1e-12 else value:.5g}"
