"""The rows that a run saw, as MLflow datasets."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from mlflow import MlflowClient, entities
from mlflow.entities import DatasetInput, InputTag, RunTag
from mlflow.exceptions import MlflowException

from pipeline.config import Config
from pipeline.data import Dataset

ATTEMPTS = 20
MOST_PAUSE = 0.05  # seconds


def log_data(run_id: str, config: Config, dataset: Dataset) -> None:
    """Logs each split as an MLflow dataset: name, fingerprint, columns and number of rows."""
    client = MlflowClient()
    columns = [
        {"type": "string" if column.dtype == object else "double", "name": name, "required": True}
        for name, column in dataset.rows.inputs.items()
    ]
    inputs = []
    for part, n_rows in dataset.n_rows.items():
        described = entities.Dataset(
            name=config.data.name,
            digest=dataset.fingerprint_of(part),
            source_type="local",
            source=json.dumps(
                {"uri": str(Path(config.data.path).absolute()) if config.data.path else config.data.name}
            ),
            schema=json.dumps({"mlflow_colspec": columns}),
            profile=json.dumps({"num_rows": n_rows, "num_inputs": dataset.rows.n_inputs}),
        )
        inputs.append(DatasetInput(described, [InputTag("mlflow.data.context", part)]))
    log_inputs(run_id, inputs)
    sizes = {f"n_rows_{part}": str(n_rows) for part, n_rows in dataset.n_rows.items()}
    tags = sizes | {"data_fingerprint": dataset.fingerprint, "task": dataset.rows.target.task}
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def log_inputs(run_id: str, inputs: list[DatasetInput]) -> None:
    """Writes which datasets a run used, beside other processes that do the same.

    MLflow looks whether it knows a dataset and then inserts it; of two that do so at once one is refused, and finds it
    the next time.
    """
    for attempt in range(ATTEMPTS):
        try:
            MlflowClient().log_inputs(run_id, inputs)
            return
        except MlflowException as error:
            if "IntegrityError" not in str(error) or attempt + 1 == ATTEMPTS:
                raise
            time.sleep(random.SystemRandom().uniform(0, MOST_PAUSE))  # the seeded generator is the network's
