"""The runs below a sweep as the store has them, and those among them that a dead process left behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import mlflow
from mlflow.entities import Run as MlflowRun

from pipeline.runtime import process
from pipeline.track.query import NEWEST_FIRST, search

PARENT_VARIABLE = "PIPELINE_PARENT_RUN_ID"  # by the environment, so that it reaches every kind of launcher's jobs
LOST = "its process is gone"  # what is said of a run that was left RUNNING
BEGUN = "begun_at"  # tag of the parent: when the sweep began, or was taken up again, in ms since 1970


def parent_run_id() -> str | None:
    """The sweep that this process's runs belong to."""
    return os.environ.get(PARENT_VARIABLE)


@contextlib.contextmanager
def below(run_id: str) -> Iterator[None]:
    """Makes the runs that are opened meanwhile children of another."""
    before = os.environ.get(PARENT_VARIABLE)
    os.environ[PARENT_VARIABLE] = run_id
    try:
        yield
    finally:
        del os.environ[PARENT_VARIABLE]
        if before is not None:
            os.environ[PARENT_VARIABLE] = before


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
