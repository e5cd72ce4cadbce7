"""Adds scores and tags to a finished run."""

import logging
import math
from collections.abc import Mapping
from functools import partial

import mlflow

from pipeline.errors import TrackingError
from pipeline.runtime.signals import held
from pipeline.track.find_run import run_of
from pipeline.track.logged_content import said_of
from pipeline.track.simultaneous import retried
from pipeline.track.store import STORE_ERRORS, connected_to, first_line, store_of

log = logging.getLogger(__name__)

PREFIX = "new_"  # of scores on new rows: `new_rmse`


@held()
def log_new_scores(run_id: str, scores: dict[str, float], tags: dict[str, str], tracking_uri: str | None) -> None:
    """Adds scores on new rows, such as `new_rmse`, to the run of the model, with tags that describe the rows.

    Args:
        run_id: Id or provisional id of the run.
        scores: By name, without the prefix. One that only an earlier call has logged becomes NaN.
        tags: By name, without the prefix.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        TrackingError: The store does not have the run.
    """
    with store_of(tracking_uri):
        try:
            client = mlflow.MlflowClient()
            run = run_of(client, run_id)
            former = {name: math.nan for name in run.data.metrics if name.startswith(PREFIX)}  # of other rows
            for name, value in (former | {f"{PREFIX}{name}": value for name, value in scores.items()}).items():
                client.log_metric(run.info.run_id, name, value)
            for name, text in tags.items():
                retried(partial(client.set_tag, run.info.run_id, f"{PREFIX}{name}", text))
        except STORE_ERRORS as error:
            raise TrackingError(f"run {run_id}: the scores cannot be logged: {said_of(run_id, error)}") from None


@held()
def tag_runs(uri: str, tags: Mapping[str, Mapping[str, str]]) -> None:
    """Adds tags to runs; only warns if the store does not answer, because their content is also logged elsewhere.

    Args:
        uri: Of the store.
        tags: By run id.
    """
    with connected_to(uri):
        client = mlflow.MlflowClient(uri)
        try:
            for run_id, own in tags.items():
                for name, text in own.items():
                    client.set_tag(run_id, name, text)
        except STORE_ERRORS as error:
            log.warning("tags of runs cannot be written: %s", first_line(error))
