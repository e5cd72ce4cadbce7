"""A run whose process has died, and that another process goes on with."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import mlflow
from mlflow.exceptions import MlflowException

log = logging.getLogger(__name__)


def logged_by(run_id: str, experiment: str, parent: str | None) -> Mapping[str, int] | None:
    """Takes the tag of how it ended from a run, and gives the last step that the store has of each of its metrics.

    Returns:
        None where there is no such run any more in that experiment and below that parent: then a new one begins.
    """
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        run = None
    below = None if run is None else run.data.tags.get("mlflow.parentRunId")
    if run is None or run.info.lifecycle_stage == "deleted" or (run.info.experiment_id, below) != (experiment, parent):
        log.warning("run %s is not here any more: a new run begins, with all of its epochs", run_id)
        return None
    if "error" in run.data.tags:
        client.delete_tag(run_id, "error")
    return {metric.key: metric.step for metric in run.data._metric_objs}
