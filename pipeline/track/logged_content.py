"""What a run has logged: its config and its tags."""

from __future__ import annotations

from pathlib import Path

import mlflow

from pipeline.errors import TrackingError
from pipeline.runtime.program import program
from pipeline.track.find_run import run_of
from pipeline.track.spool.folders import of_run
from pipeline.track.store import STORE_ERRORS, first_line


def config_of_run(run_id: str, folder: Path) -> Path:
    """Downloads the composed config that a run logged.

    Args:
        run_id: Id or provisional id of the run.
        folder: Where to download to.

    Raises:
        TrackingError: No such run, or it has no config.
    """
    try:
        found = run_of(mlflow.MlflowClient(), run_id).info.run_id
        return Path(
            mlflow.artifacts.download_artifacts(run_id=found, artifact_path="config.yaml", dst_path=str(folder))
        )
    except (OSError, *STORE_ERRORS) as error:
        raise TrackingError(f"run {run_id}: its config.yaml cannot be fetched: {said_of(run_id, error)}") from None


def tag_of(run_id: str, name: str) -> str | None:
    """Returns a tag of a run; None if it is missing.

    Args:
        run_id: Id or provisional id of the run.
        name: Of the tag.

    Raises:
        TrackingError: No such run.
    """
    try:
        found: str | None = run_of(mlflow.MlflowClient(), run_id).data.tags.get(name)
    except STORE_ERRORS as error:
        raise TrackingError(f"run {run_id}: {said_of(run_id, error)}") from None
    return found


def said_of(run_id: str, error: Exception) -> str:
    """Returns why something of a run is not in the store, in a line.

    Args:
        run_id: Id or provisional id of the run.
        error: The error.
    """
    if of_run(run_id) is None:
        return first_line(error)
    return f"its store has not received all of it; `{program()} sync` sends the rest"
