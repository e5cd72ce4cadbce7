"""Reads a sweep's trials, from the store and from the spool."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import mlflow

from pipeline.config.rules import Tracking
from pipeline.runtime.signals import held
from pipeline.track import metric_names
from pipeline.track.children import BEGUN, children
from pipeline.track.spool.folders import Entry, of_run, of_sweep
from pipeline.track.store import STORE_ERRORS, connected


@dataclass(frozen=True)
class FinishedTrial:
    """A finished or pruned trial, which is not run again."""

    run_id: str
    metrics: dict[str, float]
    pruned: bool


@held()
def done(tracking: Tracking, parent: str, key: str) -> FinishedTrial | None:
    """Returns the finished or pruned trial with a key; None if there is none.

    Args:
        tracking: Of the store.
        parent: Id of the parent run.
        key: Key of the trial.
    """
    if (waiting := _done_here(parent, key)) is not None:
        return waiting
    with connected(tracking), contextlib.suppress(*STORE_ERRORS):  # without an answer, it runs again
        for run in children(parent, f"tags.trial_key = '{key}'"):
            pruned = "pruned" in run.data.tags
            if run.info.status == "FINISHED" or pruned:
                return FinishedTrial(run.info.run_id, metric_names.plain_values(run.data.metrics), pruned)
    return None


def _done_here(parent: str, key: str) -> FinishedTrial | None:
    """Like `done`, for trials in the spool."""
    for folder in of_sweep(parent):
        entries = [entry for entry, _ in folder.entries(0)]  # empty if the run has been sent meanwhile
        if entries and entries[0]["tags"].get("trial_key") == key:
            pruned = any("pruned" in entry.get("tags", {}) for entry in entries)
            if pruned or _ended_as(entries, "FINISHED"):
                return FinishedTrial(folder.id, _last_values(entries), pruned)
    return None


def _last_values(entries: Sequence[Entry]) -> dict[str, float]:
    """Returns the value of each metric at its highest step, as MLflow does."""
    values = [value for entry in entries for value in entry.get("values", [])]
    return {name: value for name, value, _, _ in sorted(values, key=lambda value: value[3])}


def _ended_as(entries: Iterable[Entry], status: str) -> bool:
    return any(entry["kind"] == "end" and entry["status"] == status for entry in entries)


@held()
def n_failed(tracking: Tracking, parent: str) -> int:
    """Counts the children that failed since the sweep was started or resumed.

    Args:
        tracking: Of the store.
        parent: Id of the parent run.
    """
    here = sum(_ended_as((entry for entry, _ in folder.entries(0)), "FAILED") for folder in of_sweep(parent))
    with connected(tracking), contextlib.suppress(*STORE_ERRORS):  # without an answer, the spool counts
        begun = mlflow.get_run(parent).data.tags.get(BEGUN, "0")
        failed = children(parent, f"attributes.status = 'FAILED' and attributes.start_time >= {begun}")
        return here + len(failed)
    return here


@held()
def epochs_of(tracking: Tracking, run_id: str, name: str) -> list[tuple[int, float]]:
    """Returns the numbers of epochs and a value that a run logged in each.

    Args:
        tracking: Of the store.
        run_id: Of the run.
        name: Plain name of the value.
    """
    waiting = of_run(run_id)
    if waiting is not None:
        values = (value for entry, _ in waiting.entries(0) for value in entry.get("values", []))
        return [(step, value) for known, value, _, step in values if known == name]
    with connected(tracking):
        return [(entry.step, entry.value) for entry in metric_names.history(mlflow.MlflowClient(), run_id, name)]
