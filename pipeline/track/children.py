"""The runs below a sweep: which are done, which failed, and which a dead process left behind."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

import mlflow
from mlflow.entities import Run as MlflowRun

from pipeline.config.rules import Tracking
from pipeline.runtime import process
from pipeline.runtime.signals import held
from pipeline.track.query import NEWEST_FIRST, search
from pipeline.track.spool.folders import LOST, Spooled, of_run, of_sweep
from pipeline.track.store import STORE_ERRORS, connected

PARENT_VARIABLE = "PIPELINE_PARENT_RUN_ID"  # by the environment, so that it reaches every kind of launcher's jobs
BEGUN = "begun_at"  # tag of the parent: when the sweep began, or was taken up again, in ms since 1970


def parent_run_id() -> str | None:
    """The sweep that this process's runs belong to."""
    return os.environ.get(PARENT_VARIABLE)


@dataclass(frozen=True)
class Done:
    """A child that need not be run again."""

    run_id: str
    metrics: dict[str, float]
    pruned: bool


@held()
def done(tracking: Tracking, parent: str, key: str) -> Done | None:
    """The child that has that trial key and is finished, or was pruned."""
    if (waiting := _done_here(parent, key)) is not None:
        return waiting
    with connected(tracking), contextlib.suppress(*STORE_ERRORS):  # what a store that is away knows is done anew
        for run in children(parent, f"tags.trial_key = '{key}'"):
            pruned = "pruned" in run.data.tags
            if run.info.status == "FINISHED" or pruned:
                return Done(run.info.run_id, run.data.metrics, pruned)
    return None


def _done_here(parent: str, key: str) -> Done | None:
    """The same among those that the store has not got yet."""
    for folder in of_sweep(parent):
        if folder.header["tags"].get("trial_key") != key:
            continue
        ended, pruned, metrics = "", False, dict[str, tuple[int, float]]()
        for entry, _ in folder.entries(0):
            if entry["kind"] == "end":
                ended = entry["status"]
            pruned = pruned or "pruned" in entry.get("tags", {})
            for name, value, _, step in entry.get("values", []):
                metrics[name] = max(metrics.get(name, (step, value)), (step, value), key=lambda one: one[0])
        if ended == "FINISHED" or pruned:
            return Done(folder.id, {name: value for name, (_, value) in metrics.items()}, pruned)
    return None


@held()
def n_failed(tracking: Tracking, parent: str) -> int:
    """How many children failed since the sweep began, or was taken up again."""
    here = sum(_has_failed(folder) for folder in of_sweep(parent))
    with connected(tracking), contextlib.suppress(*STORE_ERRORS):  # of a store that is away those here count
        begun = mlflow.get_run(parent).data.tags.get(BEGUN, "0")
        failed = children(parent, f"attributes.status = 'FAILED' and attributes.start_time >= {begun}")
        return here + len(failed)
    return here


def _has_failed(folder: Spooled) -> bool:
    return any(entry["kind"] == "end" and entry["status"] == "FAILED" for entry, _ in folder.entries(0))


@held()
def epochs_of(tracking: Tracking, run_id: str, name: str) -> list[tuple[int, float]]:
    """A value that a run logged per epoch, with the epoch's number."""
    waiting = of_run(run_id)
    if waiting is not None:
        values = (value for entry, _ in waiting.entries(0) for value in entry.get("values", []))
        return [(step, value) for known, value, _, step in values if known == name]
    with connected(tracking):
        return [(entry.step, entry.value) for entry in mlflow.MlflowClient().get_metric_history(run_id, name)]


def close_lost(parent: str) -> int:
    """Closes the children that a dead process left RUNNING, as KILLED; gives their number."""
    client, lost = mlflow.MlflowClient(), 0
    for run in children(parent, "attributes.status = 'RUNNING'"):
        owner = run.data.tags.get("owner")
        sign = float(run.data.tags.get("alive_at", run.info.start_time / 1000))
        if owner is not None and process.is_gone(owner, sign):
            client.set_tag(run.info.run_id, "error", LOST)
            client.set_terminated(run.info.run_id, "KILLED")
            lost += 1
    return lost


def children(parent: str, query: str = "") -> list[MlflowRun]:
    """The children that a query of MLflow's finds, or all of them, the latest first."""
    experiment = mlflow.get_run(parent).info.experiment_id
    below = f"tags.mlflow.parentRunId = '{parent}'"
    return search([experiment], f"{below} and {query}" if query else below, NEWEST_FIRST)
