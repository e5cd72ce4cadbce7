"""Fetches the hashes of a run's training rows, for scoring its model on other rows."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlflow

from pipeline.data.row_hashes import FILE
from pipeline.errors import TrackingError
from pipeline.track.find_run import run_of
from pipeline.track.store import STORE_ERRORS, store_of


@contextlib.contextmanager
def fetched(run_id: str, tracking_uri: str | None) -> Iterator[Path | None]:
    """Yields the downloaded file; None if the run or the file does not exist, as with earlier versions.

    Args:
        run_id: Either of the run's ids.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = None
        with contextlib.suppress(OSError, TrackingError, *STORE_ERRORS), store_of(tracking_uri):
            run = run_of(mlflow.MlflowClient(), run_id).info.run_id
            found = mlflow.artifacts.download_artifacts(run_id=run, artifact_path=FILE, dst_path=folder)
        yield None if found is None else Path(found)
