"""What is added to a run that has ended."""

import mlflow

from pipeline.errors import TrackingError
from pipeline.runtime.signals import held
from pipeline.track.store import STORE_ERRORS, store_of

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
