"""The leaderboard on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.compare.baselines import against
from pipeline.compare.candidates import with_deviation
from pipeline.compare.findings import Findings
from pipeline.compare.logged_values import short
from pipeline.compare.ranking import Comparison, reason
from pipeline.runtime.console import console, list_places, number, say_labelled

MAX_ERROR = 100  # characters


def show(found: Findings, top: int, places: dict[str, str]) -> None:
    """Prints the ranking, the verdict, the command of the best configuration and the location of the report.

    Args:
        found: Content of the report.
        top: Number of configurations to list.
        places: Further lines at the end, by label.
    """
    screen = console()
    say_labelled(screen, "comparing", f"{found.comparison.title}: {found.comparison.counts()}")
    show_ranking(found.comparison, top, "--top")
    screen.print(Text(found.verdict.headline, style="bold"))
    screen.print(Text(found.verdict.text))
    list_places(screen, ({"best": found.command} if found.command else {}) | places)


def show_ranking(comparison: Comparison, top: int, more: str) -> None:
    """Prints the configurations, the representative run of the best, and unfinished runs.

    Args:
        comparison: The ranking.
        top: Number of configurations to list.
        more: How to see the remaining configurations.
    """
    screen = console()
    for note in comparison.notes:
        screen.print(Text(note, style="yellow"))
    if comparison.best is not None:
        screen.print(_table(comparison, top, more))
    _list_unfinished(screen, comparison)
    if comparison.best is not None:
        run, score = comparison.best.run, number(comparison.best.scores[comparison.best.replica])
        say_labelled(
            screen, "best run", f"{run.id} ({run.name}), {comparison.objective} {score}: {comparison.best.choice}"
        )
        for found in against(comparison):
            say_labelled(screen, f"against {found.name}", found.text)


def _table(comparison: Comparison, top: int, more: str) -> Table:
    shown = comparison.candidates[:top]
    left = len(comparison.candidates) - len(shown)
    caption = f"{left} more: {more}" if left else None
    table = Table(title=f"by {comparison.objective}, {comparison.better()}", caption=caption)
    for name in ("#", comparison.objective, "runs", f"test_{comparison.measure}", f"gap_{comparison.measure}"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in comparison.other_scores:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("seconds", justify="right")
    for key in comparison.varying:
        table.add_column(comparison.labels[key], overflow="fold")
    table.add_column("run")
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
            Text(candidate.run.id, no_wrap=True, overflow="ellipsis"),  # one line per row on narrow terminals
        )
    return table


def _list_unfinished(screen: Console, comparison: Comparison) -> None:
    """Prints the first error of each state, so that a mistake common to all runs is visible."""
    for state, runs in comparison.others.items():
        failed = next((run for run in runs if reason(run)), None)
        first = f", the first: {reason(failed).splitlines()[0][:MAX_ERROR]} (run {failed.id})" if failed else ""
        say_labelled(screen, state, f"{len(runs)} run{'s' if len(runs) > 1 else ''}{first}")
