"""A run that has ended, looked at and opened once more: a model is made of what it has kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow

from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime import signals
from pipeline.track.find_run import TRAINED, run_of
from pipeline.track.run import AWAY_SECONDS, Run
from pipeline.track.spool.unfinished_runs import REOPENED
from pipeline.track.store import STORE_ERRORS, connected, first_line, store_of
from pipeline.track.tracked_run import TrackedRun, tracked


@contextlib.contextmanager
def reopened(run: TrackedRun, tracking: Tracking) -> Iterator[Run]:
    """Opens a run for what is added to it: its state, its end and the values that it has logged stay as they are.

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
    """A run, its config, and the folder of what a model can be made of; both are fetched into a folder.

    Args:
        run_id: Either of its ids.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.
        folder: Where they are to be.

    Raises:
        TrackingError: There is no such run, or it has not kept these.
    """
    with store_of(tracking_uri):
        try:
            run = run_of(mlflow.MlflowClient(), run_id)
            found = [
                mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name, dst_path=str(folder))
                for name in ("config.yaml", TRAINED)
            ]
        except (OSError, *STORE_ERRORS) as error:
            raise TrackingError(f"run {run_id}: what it has kept cannot be fetched: {first_line(error)}") from None
    config, kept = map(Path, found)
    return tracked(run), config, kept
