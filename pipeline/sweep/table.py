"""The table at the end of a sweep, and the line at the beginning of one that goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.compare.pareto import pareto_front
from pipeline.config import direction
from pipeline.runtime.console import console, list_places, number, say
from pipeline.sweep.identity import differences

if TYPE_CHECKING:
    from pipeline.track import TrackedRun
    from pipeline.track.parent_run import Sweep

ORIGINS = "origins"  # tag of the parent: what its trials follow from, as JSON


def show_taken_up(sweep: Sweep) -> None:
    """Says what is known of a sweep that the same command began before."""
    if not sweep.taken_up:
        return
    lost = f", {sweep.n_lost} that a dead process left RUNNING are KILLED now" if sweep.n_lost else ""
    say(
        console(),
        f"sweep {sweep.name} goes on: {sweep.n_before} trials are finished and will be skipped{lost}; "
        "sweep.resume=off runs all of them anew",
    )


def show_begun_anew(former: TrackedRun, origins: Mapping[str, str]) -> None:
    """Says that what the same command began before is not gone on with, and why."""
    begun = former.tags.get(ORIGINS)
    of = "an earlier version" if begun is None else "other " + " and ".join(differences(origins, json.loads(begun)))
    say(
        console(),
        f"sweep {former.name} of the same command is of {of}: all trials begin anew. "
        f"Its own stay: python -m pipeline compare --sweep {former.id}",
    )


def show(sweep: Sweep, objectives: list[str] | None, words: str) -> None:
    """Prints the children of a sweep, best first, and where to compare them."""
    from pipeline import track

    names = {child.data.tags["objective"] for child in sweep.children if "objective" in child.data.tags}
    title = objectives or [", ".join(_with_direction(name) for name in sorted(names)) or "objective"]
    table = Table("run", "status", *title, "id", caption=_counts(sweep))
    for column in table.columns[2:-1]:
        column.justify = "right"
    shown = objectives or ["objective"]
    front = pareto_front([child.data.metrics for child in sweep.with_status("FINISHED")], objectives or [])
    for child, is_best in zip(sweep.children, [*front, *[False] * len(sweep.children)], strict=False):
        values = (number(child.data.metrics.get(name)) for name in shown)
        name = ("* " if is_best else "") + child.info.run_name
        table.add_row(name, track.outcome(child), *values, child.info.run_id)
    screen = console()
    screen.print(table)
    places = {"sweep": f"{sweep.run_id} ({sweep.name})", "compare runs with": track.ui_command(sweep.uri)}
    if sweep.status != "FINISHED" or sweep.with_status("FAILED") or sweep.with_status("KILLED"):
        places["go on with"] = f"python -m pipeline train {words}"
    list_places(screen, places)


def _with_direction(name: str) -> str:
    return f"{name} ({'higher' if direction(name) == 'maximize' else 'lower'} is better)"


def _counts(sweep: Sweep) -> str:
    """How the children ended, in words."""
    statuses = ("FINISHED", "PRUNED", "FAILED", "KILLED", "RUNNING")
    counts = [f"{n} {status.lower()}" for status in statuses if (n := len(sweep.with_status(status)))]
    skipped = f"; {sweep.n_before} of them before, and skipped" if sweep.n_before else ""
    return ", ".join(counts) + skipped
