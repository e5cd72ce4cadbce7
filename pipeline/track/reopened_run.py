"""Reopens a finished run, to export a model from its kept weights."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow

from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime import signals
from pipeline.track.find_run import run_of
from pipeline.track.run import Run
from pipeline.track.spool.folders import TRAINED
from pipeline.track.spool.unfinished_runs import REOPENED
from pipeline.track.start_run import AWAY_SECONDS
from pipeline.track.store import STORE_ERRORS, connected, first_line, store_of
from pipeline.track.tracked_run import TrackedRun, tracked


@contextlib.contextmanager
def reopened(run: TrackedRun, tracking: Tracking) -> Iterator[Run]:
    """Opens a finished run for additions: its status, its end and its logged values do not change.

    Args:
        run: The run.
        tracking: Of the store.

    Raises:
        TrackingError: The store cannot be used.
    """
    with signals.signals_raise(), connected(tracking) as uri:
        again = Run({
            "uri": uri, "run_id": run.id, "name": run.name, "experiment": tracking.experiment, "parent": None,
            "tags": {}, "start": int(time.time() * 1000), REOPENED: True,
        })  # fmt: skip
        try:
            yield again
        finally:
            again.leave(AWAY_SECONDS)


def kept_by(run_id: str, tracking_uri: str | None, folder: Path) -> tuple[TrackedRun, Path, Path]:
    """Fetches what a later export needs.

    Args:
        run_id: Id or provisional id of the run.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.
        folder: Where to download to.

    Returns:
        The run, the file of its config, and the folder with weights and preprocessing.

    Raises:
        TrackingError: No such run, or it has not kept its weights.
    """
    with store_of(tracking_uri):
        try:
            run = run_of(mlflow.MlflowClient(), run_id)
            found = [
                mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name, dst_path=str(folder))
                for name in ("config.yaml", TRAINED)
            ]
        except (OSError, *STORE_ERRORS) as error:
            raise TrackingError(f"run {run_id}: its kept weights cannot be fetched: {first_line(error)}") from None
    config, kept = map(Path, found)
    return tracked(run), config, kept
