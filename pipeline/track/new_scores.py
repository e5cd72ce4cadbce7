"""What is added to a run that has ended."""

import logging
from collections.abc import Mapping

import mlflow

from pipeline.errors import TrackingError
from pipeline.runtime.signals import held
from pipeline.track.store import STORE_ERRORS, connected_to, first_line, store_of

log = logging.getLogger(__name__)

PREFIX = "new_"  # of scores on rows that the run never saw: `new_rmse`


@held()
def log_new_scores(run_id: str, scores: dict[str, float], tags: dict[str, str], tracking_uri: str | None) -> None:
    """Adds scores on newly labelled rows to the run of the model, as `new_rmse`, and tags that say which rows.

    Raises:
        TrackingError: The store does not have the run.
    """
    with store_of(tracking_uri):
        try:
            client = mlflow.MlflowClient()
            for name, value in scores.items():
                client.log_metric(run_id, f"{PREFIX}{name}", value)
            for name, text in tags.items():
                client.set_tag(run_id, f"{PREFIX}{name}", text)
        except STORE_ERRORS as error:
            raise TrackingError(f"run {run_id}: the scores cannot be logged: {str(error).splitlines()[0]}") from None


@held()
def tag_runs(uri: str, tags: Mapping[str, Mapping[str, str]]) -> None:
    """Adds tags to runs of a store; one that is away goes without, for what they say stands elsewhere too.

    Args:
        uri: Of the store.
        tags: By run.
    """
    with connected_to(uri):
        client = mlflow.MlflowClient(uri)
        try:
            for run_id, own in tags.items():
                for name, text in own.items():
                    client.set_tag(run_id, name, text)
        except STORE_ERRORS as error:
            log.warning("tags of runs cannot be written: %s", first_line(error))
