"""The table at the end of a sweep, and the line at the start of a resumed one."""

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

ORIGINS = "origins"  # tag of the parent run: what the results of its trials depend on, as JSON


def show_taken_up(sweep: ParentRun, study: str | None) -> None:
    """Reports that a sweep resumes, and how many of its trials are skipped.

    Args:
        sweep: The resumed sweep, which the same command or the same study started.
        study: Value of `search.study_name`.
    """
    lost = f", {sweep.n_lost} left RUNNING by a dead process are now KILLED" if sweep.n_lost else ""
    say(
        console(),
        f"resuming sweep {sweep.name}: {sweep.n_before} finished trials are skipped{lost}; "
        f"{'sweep.resume=off' if study is None else 'another name in search.study_name'} runs all trials again",
    )


def show_begun_anew(former: TrackedRun, origins: Mapping[str, str]) -> None:
    """Reports that an earlier sweep of the same command is not resumed, and why.

    Args:
        former: The earlier sweep.
        origins: What the results of the new sweep's trials depend on.
    """
    begun = former.tags.get(ORIGINS)
    of = "an earlier version" if begun is None else "different " + " and ".join(differences(origins, json.loads(begun)))
    say(
        console(),
        f"sweep {former.name} of the same command used {of}: a new sweep runs all trials. "
        f"The earlier one is kept: {program()} compare --sweep {former.id}",
    )


def show_ranking(sweep: ParentRun, comparison: Comparison, tracking: Tracking) -> None:
    """Prints the ranking of a finished sweep, as `compare` does, and how its jobs ended.

    Args:
        sweep: The finished sweep.
        comparison: Its ranked configurations.
        tracking: Where its runs are stored.
    """
    from pipeline.compare import leaderboard_text

    skipped = f"; {sweep.n_before} finished before and were skipped" if sweep.n_before else ""
    say_labelled(console(), "sweep", f"{sweep.name} ({sweep.run_id}): {comparison.counts()}{skipped}")
    leaderboard_text.show_ranking(comparison, compare.TOP, _every_run(sweep, tracking))


def list_next(sweep: ParentRun, tracking: Tracking, words: str) -> None:
    """Prints what to do next.

    Args:
        sweep: The finished sweep.
        tracking: Where its runs are stored.
        words: Arguments of `train` that resume the sweep.
    """
    from pipeline import track

    store = f" --uri {shlex.quote(tracking.uri)}" if tracking.uri else ""
    shown = f"{program()} ui --sweep {sweep.run_id}{store}"
    places = {"every run's id": _every_run(sweep, tracking), "see them with": shown}
    if address := track.local_address(sweep.uri, track.page_of_sweep, sweep.run_id):
        places["their page"] = address
    if sweep.status != "FINISHED" or sweep.n_in_state("failed", "killed"):
        places["resume with"] = f"{program()} train {words}"
    list_places(console(), places)


def _every_run(sweep: ParentRun, tracking: Tracking) -> str:
    return compare.command(sweep.run_id, tracking.uri, "--format", "json")
