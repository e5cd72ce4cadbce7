"""The leaderboard on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.compare.findings import Findings
from pipeline.compare.ranking import Comparison, reason
from pipeline.compare.values import short
from pipeline.compare.verdict import number, with_deviation
from pipeline.runtime.console import console, list_places, say_labelled

MOST_ERROR = 100  # letters


def show(found: Findings, top: int | None, places: dict[str, str]) -> None:
    """Prints the ranking, what is to be thought of it, the best as a command, and where the report lies.

    Args:
        found: What was found.
        top: How many configurations to list; None is all.
        places: What else to say at the end, by label.
    """
    comparison, screen = found.comparison, console()
    say_labelled(screen, "comparing", f"{comparison.title}: {comparison.counts()}")
    for note in comparison.notes:
        screen.print(Text(note, style="yellow"))
    if comparison.candidates:
        screen.print(_table(comparison, top))
    _unfinished(screen, comparison)
    screen.print(Text(found.verdict.headline, style="bold"))
    screen.print(Text(found.verdict.text))
    if found.command:
        say_labelled(screen, "best", found.command)
    list_places(screen, places)


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


def _unfinished(screen: Console, comparison: Comparison) -> None:
    """Each state's first error, so that a mistake that felled all of them is seen at once."""
    for state, runs in comparison.others.items():
        errors = [reason(run) for run in runs if reason(run)]
        first = f", the first: {errors[0].splitlines()[0][:MOST_ERROR]}" if errors else ""
        say_labelled(screen, state, f"{len(runs)} run{'s' if len(runs) > 1 else ''}{first}")
