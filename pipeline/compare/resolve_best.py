"""Resolves `best:EXPERIMENT` to the best run of an experiment."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.compare.candidates import with_deviation
from pipeline.compare.logged_values import is_usable
from pipeline.compare.ranking import Comparison, compare
from pipeline.errors import ModelError, TrackingError
from pipeline.runtime.console import number

if TYPE_CHECKING:
    from pipeline.track import Selected, TrackedRun

FRESH_SECONDS = 300  # interval after which all runs are read again, even if no other run has finished

Task = tuple[str, str, str]  # objective, data and target: scores of different tasks are not comparable


@dataclass(frozen=True)
class Best:
    """The representative run of the configuration that ranks first in an experiment."""

    run_id: str
    summary: str  # the run, its score and the number of runs; then the caveats of the ranking, one per line


def best_of(experiment: str, tracking_uri: str | None) -> Best:
    """Ranks the finished runs of an experiment as `compare` does, and returns the representative run of the best.

    Args:
        experiment: Name of the experiment.
        tracking_uri: Address of the store; None for $MLFLOW_TRACKING_URI or, if that is unset, SQLite under mlruns/.

    Raises:
        ModelError: The experiment does not exist, no run has a score, or its runs are not comparable.
        TrackingError: The store cannot be used.
    """
    from pipeline import track  # MLflow takes seconds to import

    try:
        with track.store_of(tracking_uri):
            selected = _selected(experiment)
    except TrackingError as error:
        raise TrackingError(f"best:{experiment}: {error}") from None
    tasks: dict[Task, list[TrackedRun]] = defaultdict(list)
    for run in selected.runs:
        if "objective" in run.tags and is_usable(run.metrics.get("objective", float("nan"))):
            tasks[_task(run)].append(run)
    comparisons = {task: compare(track.Selected(selected.title, runs)) for task, runs in tasks.items()}
    if not comparisons:
        raise ModelError(f"best:{experiment}: none of its runs finished with a validation objective")
    if len(comparisons) > 1:
        raise ModelError(f"best:{experiment}: {_several(comparisons)}")
    (comparison,) = comparisons.values()
    return Best(_run(comparison).id, "\n".join([f"best:{experiment} is {_summary(comparison)}", *comparison.notes]))


def best_id_of(experiment: str, tracking_uri: str | None) -> str:
    """Returns the id of the run of `best_of`; cheap to poll while no other run finishes.

    Deleted and restored runs are noticed after at most FRESH_SECONDS.

    Args:
        experiment: Name of the experiment.
        tracking_uri: Address of the store, as in `best_of`.

    Raises:
        ModelError: As in `best_of`.
        TrackingError: The store cannot be used.
    """
    from pipeline import track

    try:
        with track.store_of(tracking_uri):
            last = track.last_finished(experiment)
    except TrackingError as error:
        raise TrackingError(f"best:{experiment}: {error}") from None
    return _known_best(experiment, tracking_uri, last, int(time.monotonic() // FRESH_SECONDS))


@functools.lru_cache(maxsize=16)
def _known_best(experiment: str, tracking_uri: str | None, last: str, period: int) -> str:
    """Returns the best run; cached by the last finished run and the period of time."""
    return best_of(experiment, tracking_uri).run_id


def _selected(experiment: str) -> Selected:
    from pipeline import track

    try:
        return track.select_runs(experiment, query=track.FINISHED)
    except TrackingError as error:
        raise ModelError(f"best:{experiment}: {error}") from None


def _task(run: TrackedRun) -> Task:
    return run.tags["objective"], run.params.get("data.name", ""), run.params.get("data.target", "")


def _run(comparison: Comparison) -> TrackedRun:
    assert comparison.best is not None, "runs with a score are ranked"
    return comparison.best.run


def _summary(comparison: Comparison) -> str:
    best = comparison.best
    assert best is not None, "runs with a score are ranked"
    parts = [f"{best.run.name} ({best.run.id}), {comparison.objective} {number(best.scores[best.replica])}"]
    n_candidates, n_runs = len(comparison.candidates), sum(len(found.runs) for found in comparison.candidates)
    if len(best.runs) > 1:
        parts.append(f"{best.choice}, mean {with_deviation(best)}")
    if n_candidates > 1:
        parts.append(f"first of {n_candidates} configurations, {n_runs} runs")
    return "; ".join(parts if n_runs > 1 else [*parts, "the only run"])


def _several(comparisons: dict[Task, Comparison]) -> str:
    """Describes why runs are not comparable, with the best run of each task."""
    by_data = len({task[1:] for task in comparisons}) > 1
    what = "targets" if by_data else "objectives"
    each = "; ".join(
        f"by {objective} {f'of {target} in {data} ' if by_data else ''}{_run(comparison).id}"
        for (objective, data, target), comparison in sorted(comparisons.items())
    )
    return f"its runs have several {what}, which are not comparable; name one of the best by its id: {each}"
