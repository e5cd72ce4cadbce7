"""A run whose process has died, and that another process goes on with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline.track.found import run_of
from pipeline.track.store import STORE_ERRORS, experiment_of

log = logging.getLogger(__name__)


def is_there(header: Mapping[str, Any], run_id: str) -> bool:
    """Whether the store has the run where a new one would be, or is away: then it is thought to have it.

    Args:
        header: What a new run would be made of.
        run_id: Either of the run's ids.
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
        found = error.error_code != "RESOURCE_DOES_NOT_EXIST"
    except STORE_ERRORS:
        found = True
    if not found:
        log.warning("run %s is not here any more: a new run begins, with all of its epochs", run_id)
    return found
