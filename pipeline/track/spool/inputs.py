"""The datasets of a run, logged to the store."""

from __future__ import annotations

import random
import time

from mlflow import MlflowClient
from mlflow.entities import DatasetInput
from mlflow.exceptions import MlflowException

ATTEMPTS = 20
MAX_PAUSE = 0.05  # seconds


def log_inputs(client: MlflowClient, run_id: str, inputs: list[DatasetInput]) -> None:
    """Logs the datasets of a run, and retries if another process logs the same ones.

    MLflow first searches for a dataset and then inserts it; of two simultaneous inserts one fails, and finds the
    dataset on retry.

    Args:
        client: Of the store.
        run_id: Of the run.
        inputs: The datasets.
    """
    for attempt in range(ATTEMPTS):
        try:
            client.log_inputs(run_id, inputs)
            return
        except MlflowException as error:
            if "IntegrityError" not in str(error) or attempt + 1 == ATTEMPTS:
                raise
            time.sleep(random.SystemRandom().uniform(0, MAX_PAUSE))  # the seeded generator belongs to the network
