"""The best run of an experiment: what `best:EXPERIMENT` stands for."""

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

FRESH_SECONDS = 300  # after which all runs are looked at again, though no other one has finished

Task = tuple[str, str, str]  # objective, data and target: scores of another task do not compare


@dataclass(frozen=True)
class Best:
    """The run that stands for the configuration that a comparison of an experiment ranks first."""

    run_id: str
    summary: str  # which run it is, by what score, and of how many; then what to know of the ranking, a line each


def best_of(experiment: str, tracking_uri: str | None) -> Best:
    """Ranks the finished runs of an experiment as `compare` does, and takes the run that stands for the first place.

    Args:
        experiment: Its name.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        ModelError: There is no such experiment, no run of it has a score, or its runs do not compare.
        TrackingError: The store cannot be used.
    """
    from pipeline import track  # late: MLflow takes seconds to import

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
    """The id of the same run; cheap while no other run finishes, so that it can be watched.

    That a run is deleted or restored is seen after FRESH_SECONDS at the latest.

    Raises:
        ModelError: As `best_of`.
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
    """The best run of a moment, which the last finished run and the time name."""
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
        parts.append(f"{best.choice}, which have {with_deviation(best)}")
    if n_candidates > 1:
        parts.append(f"the first of {n_candidates} configurations, {n_runs} runs")
    return "; ".join(parts if n_runs > 1 else [*parts, "the only run"])


def _several(comparisons: dict[Task, Comparison]) -> str:
    """That runs do not compare, with the best of those that do."""
    by_data = len({task[1:] for task in comparisons}) > 1
    what = "targets" if by_data else "objectives"
    each = "; ".join(
        f"by {objective} {f'of {target} in {data} ' if by_data else ''}{_run(comparison).id}"
        for (objective, data, target), comparison in sorted(comparisons.items())
    )
    return f"its runs have several {what}, which do not compare; name one of the best by its id: {each}"
