"""The child runs of a sweep in the store, including those that a dead process left RUNNING."""

from __future__ import annotations

import mlflow
from mlflow.entities import Run as MlflowRun

from pipeline.runtime import process
from pipeline.track.query import NEWEST_FIRST, search

LOST = "its process is gone"  # error of a run that was left RUNNING
BEGUN = "begun_at"  # tag of the parent: when the sweep was started or resumed, in ms since 1970


def close_lost(parent: str) -> int:
    """Closes children that a dead process left RUNNING as KILLED; returns their number."""
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
    """Returns the children of a run, newest first.

    Args:
        parent: Id of the run.
        query: Filter in MLflow's language; empty for all children.
    """
    experiment = mlflow.get_run(parent).info.experiment_id
    below = f"tags.mlflow.parentRunId = '{parent}'"
    return search([experiment], f"{below} and {query}" if query else below, NEWEST_FIRST)
