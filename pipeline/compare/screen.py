"""The leaderboard on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.compare.findings import Findings
from pipeline.compare.ranking import Comparison, reason
from pipeline.compare.values import short
from pipeline.compare.verdict import number, with_deviation

MOST_ERROR = 100  # letters


def show(found: Findings, top: int | None, places: dict[str, str]) -> None:
    """Prints the ranking, what is to be thought of it, the best as a command, and where the report lies.

    Args:
        found: What was found.
        top: How many configurations to list; None is all.
        places: What else to say at the end, by label.
    """
    comparison, console = found.comparison, _console()
    _line(console, "comparing", f"{comparison.title}: {comparison.counts()}")
    for note in comparison.notes:
        console.print(Text(note, style="yellow"))
    if comparison.candidates:
        console.print(_table(comparison, top))
    _unfinished(console, comparison)
    console.print(Text(found.verdict.headline, style="bold"))
    console.print(Text(found.verdict.text))
    if found.command:
        _line(console, "best", found.command)
    for label, text in places.items():
        _line(console, label, text)


def _table(comparison: Comparison, top: int | None) -> Table:
    shown = comparison.candidates[:top]
    left = len(comparison.candidates) - len(shown)
    table = Table(
        title=f"by {comparison.objective}, {comparison.better()}", caption=f"{left} more: --top" if left else None
    )
    for name in ("#", comparison.objective, "runs", f"test_{comparison.measure}", f"gap_{comparison.measure}"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in comparison.other_scores:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("seconds", justify="right")
    for key in comparison.varying:
        table.add_column(comparison.labels[key], overflow="fold")
    for place, candidate in zip(comparison.places, shown, strict=False):
        size, seconds = candidate.metric("n_parameters"), candidate.seconds
        table.add_row(
            place,
            with_deviation(candidate),
            str(len(candidate.runs)),
            number(candidate.metric(f"test_{comparison.measure}")),
            number(candidate.metric(f"gap_{comparison.measure}")),
            *(number(candidate.metric(name)) for name in comparison.other_scores),
            "" if size is None else f"{size:,.0f}",
            "" if seconds is None else f"{seconds:.2f}",
            *(Text(short(candidate.params[key])) for key in comparison.varying),
        )
    return table


def _unfinished(console: Console, comparison: Comparison) -> None:
    """Each state's first error, so that a mistake that felled all of them is seen at once."""
    for state, runs in comparison.others.items():
        errors = [reason(run) for run in runs if reason(run)]
        first = f", the first: {errors[0].splitlines()[0][:MOST_ERROR]}" if errors else ""
        _line(console, state, f"{len(runs)} run{'s' if len(runs) > 1 else ''}{first}")


def _line(console: Console, label: str, text: str) -> None:
    console.print(f"{label:18}{text}", soft_wrap=True, highlight=False, markup=False)


def _console() -> Console:
    """Output that is not a terminal has no width: then no line is broken or cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
