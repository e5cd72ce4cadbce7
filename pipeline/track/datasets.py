"""The rows that a run saw, as MLflow datasets."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import DatasetInput
from mlflow.exceptions import MlflowException

from pipeline.config import Config
from pipeline.data import Dataset

ATTEMPTS = 20
MAX_PAUSE = 0.05  # seconds


def described(config: Config, dataset: Dataset) -> list[tuple[str, dict[str, str]]]:
    """Each split's name, and what MLflow keeps of a dataset: name, fingerprint, columns and number of rows."""
    columns = [
        {"type": "string" if column.dtype == object else "double", "name": name, "required": True}
        for name, column in dataset.rows.inputs.items()
    ]
    source = {"uri": str(Path(config.data.path).absolute()) if config.data.path else config.data.name}
    return [
        (
            part,
            {
                "name": config.data.name,
                "digest": dataset.fingerprint_of(part),
                "source_type": "local",
                "source": json.dumps(source),
                "schema": json.dumps({"mlflow_colspec": columns}),
                "profile": json.dumps({"num_rows": n_rows, "num_inputs": dataset.rows.n_inputs}),
            },
        )
        for part, n_rows in dataset.n_rows.items()
    ]


def tags(dataset: Dataset) -> dict[str, str]:
    """Tags that tell of a run's rows."""
    sizes = {f"n_rows_{part}": str(n_rows) for part, n_rows in dataset.n_rows.items()}
    if n_calibration := len(dataset.calibration):
        sizes["n_rows_calibration"] = str(n_calibration)
    return sizes | {"data_fingerprint": dataset.fingerprint, "task": dataset.rows.target.task}


def log_inputs(client: MlflowClient, run_id: str, inputs: list[DatasetInput]) -> None:
    """Writes which datasets a run used, beside other processes that do the same.

    MLflow looks whether it knows a dataset and then inserts it; of two that do so at once one is refused, and finds it
    the next time.
    """
    for attempt in range(ATTEMPTS):
        try:
            client.log_inputs(run_id, inputs)
            return
        except MlflowException as error:
            if "IntegrityError" not in str(error) or attempt + 1 == ATTEMPTS:
                raise
            time.sleep(random.SystemRandom().uniform(0, MAX_PAUSE))  # the seeded generator is the network's
