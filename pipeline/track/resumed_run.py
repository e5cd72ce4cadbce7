"""Checks a run whose process has died, before another process resumes it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline.track.find_run import run_of
from pipeline.track.store import STORE_ERRORS, experiment_of

log = logging.getLogger(__name__)


def is_there(header: Mapping[str, Any], run_id: str, is_known: bool = True) -> bool:
    """Whether the store has the run, in the experiment and sweep of a new one; returns `is_known` without an answer.

    Args:
        header: Header of a new run.
        run_id: Id or provisional id of the run.
        is_known: Whether the run was certainly opened.
    """
    client, parent = MlflowClient(header["uri"]), header["parent"]
    try:
        run = run_of(client, run_id)
        where = (
            run_of(client, parent).info.experiment_id
            if parent
            else experiment_of(client, header["experiment"], header["uri"])
        )
        below = run.data.tags.get("mlflow.parentRunId")
        found = run.info.lifecycle_stage != "deleted" and (run.info.experiment_id, below) == (where, parent)
    except MlflowException as error:
        found = is_known and error.error_code != "RESOURCE_DOES_NOT_EXIST"
    except STORE_ERRORS:
        found = is_known
    if is_known and not found:
        log.warning("run %s does not exist any more: a new run starts, and logs all epochs", run_id)
    return found
