"""The rows of a run as MLflow datasets."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.config import Config
from pipeline.data import Dataset


def described(config: Config, dataset: Dataset) -> list[tuple[str, dict[str, str]]]:
    """Describes each split for MLflow: name, fingerprint, columns and number of rows.

    Args:
        config: The experiment.
        dataset: Its rows.

    Returns:
        Names of splits, and fields of MLflow's datasets.
    """
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
    """Returns tags that describe a run's rows."""
    sizes = {f"n_rows_{part}": str(n_rows) for part, n_rows in dataset.n_rows.items()}
    if n_calibration := len(dataset.calibration):
        sizes["n_rows_calibration"] = str(n_calibration)
    return sizes | {"data_fingerprint": dataset.fingerprint, "task": dataset.rows.target.task}
