"""The table at the end of a sweep, and the line at the beginning of one that goes on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline import compare
from pipeline.runtime.console import console, list_places, say, say_labelled
from pipeline.runtime.program import program
from pipeline.sweep.identity import differences

if TYPE_CHECKING:
    from pipeline.compare.ranking import Comparison
    from pipeline.config.rules import Tracking
    from pipeline.track import ParentRun, TrackedRun

ORIGINS = "origins"  # tag of the parent: what its trials follow from, as JSON


def show_taken_up(sweep: ParentRun, study: str | None) -> None:
    """Says what is known of a sweep that the same command, or one of the same study, began before."""
    lost = f", {sweep.n_lost} that a dead process left RUNNING are KILLED now" if sweep.n_lost else ""
    say(
        console(),
        f"sweep {sweep.name} goes on: {sweep.n_before} trials are finished and will be skipped{lost}; "
        f"{'sweep.resume=off' if study is None else 'another name in search.study_name'} runs all of them anew",
    )


def show_begun_anew(former: TrackedRun, origins: Mapping[str, str]) -> None:
    """Says that what the same command began before is not gone on with, and why."""
    begun = former.tags.get(ORIGINS)
    of = "an earlier version" if begun is None else "other " + " and ".join(differences(origins, json.loads(begun)))
    say(
        console(),
        f"sweep {former.name} of the same command is of {of}: all trials begin anew. "
        f"Its own stay: {program()} compare --sweep {former.id}",
    )


def show_ranking(sweep: ParentRun, comparison: Comparison, tracking: Tracking) -> None:
    """Prints the configurations of a sweep that has ended as `compare` ranks them, and how all its jobs ended."""
    from pipeline.compare import leaderboard_text

    skipped = f"; {sweep.n_before} of them before, and skipped" if sweep.n_before else ""
    say_labelled(console(), "sweep", f"{sweep.name} ({sweep.run_id}): {comparison.counts()}{skipped}")
    leaderboard_text.show_ranking(comparison, compare.TOP, _every_run(sweep, tracking))


def list_next(sweep: ParentRun, tracking: Tracking, words: str) -> None:
    """Prints what to do next.

    Args:
        sweep: That has ended.
        tracking: Where its runs are kept.
        words: That go on with it, as arguments of `train`.
    """
    from pipeline import track

    store = f" --uri {shlex.quote(tracking.uri)}" if tracking.uri else ""
    shown = f"{program()} ui --sweep {sweep.run_id}{store}"
    places = {"every run's id": _every_run(sweep, tracking), "see them with": shown}
    if address := track.local_address(sweep.uri, track.page_of_sweep, sweep.run_id):
        places["their page"] = address
    if sweep.status != "FINISHED" or sweep.n_in_state("failed", "killed"):
        places["go on with"] = f"{program()} train {words}"
    list_places(console(), places)


def _every_run(sweep: ParentRun, tracking: Tracking) -> str:
    return compare.command(sweep.run_id, tracking.uri, "--format", "json")
