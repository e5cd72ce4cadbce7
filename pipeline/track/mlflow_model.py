"""Wraps the SavedModel as an MLflow model, for `mlflow models predict` and `serve`."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType

MANIFEST = "assets.extra/manifest.json"


def write_model(path: Path, folder: Path, rows: Mapping[str, Any]) -> None:
    """Writes the MLflow model into a new folder, with signature, input example and requirements.

    It is sent to the store as by `mlflow.pyfunc.log_model`, without two steps: reading back each metric of the run,
    and loading the model to predict the example, because the model is already verified.

    Args:
        path: The new folder.
        folder: Of the SavedModel.
        rows: Training data, as `model_rows.described` returns them.
    """
    mlflow.pyfunc.save_model(
        path=path,
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={"saved_model": str(folder), **rows["reading"]},
        signature=ModelSignature(_inputs(rows), _outputs(rows, folder)),
        metadata={"columns": _described(folder)},
        input_example=_example(rows),
        # Given, so that MLflow does not start a process to infer them; this package is not required.
        pip_requirements=[f"{name}=={version(name)}" for name in ("tensorflow", "pandas", "numpy")],
    )


def _inputs(rows: Mapping[str, Any]) -> Schema:
    """Returns the columns with any type: MLflow would refuse integers for double, and more, before our code runs.

    The model's metadata describe each column.
    """
    if rows["is_array"]:
        return Schema([TensorSpec(np.dtype(np.float64), (-1, rows["n_inputs"]), "x")])
    return Schema([ColSpec(AnyType(), name) for name in rows["columns"]])


def _described(folder: Path) -> dict[str, str]:
    """Returns a description of each column, for the metadata."""
    inputs = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["inputs"]
    return {name: " as ".join([about["kind"], *([about["date"]] if "date" in about else [])])
            for name, about in inputs.items()}  # fmt: skip


def _outputs(rows: Mapping[str, Any], folder: Path) -> Schema:
    about, targets = json.loads((folder / MANIFEST).read_text(encoding="utf-8")), rows["targets"]
    if rows["task"] == "regression":
        kinds = ["prediction", *(["lower", "upper"] if about.get("interval") else [])]
        several = len(targets) > 1
        names = [f"{kind}_{name}" if several else kind for kind in kinds for name in targets]
        return Schema([ColSpec(DataType.double, name) for name in names])
    types = {"i": DataType.long, "f": DataType.double, "b": DataType.boolean}
    texts = [ColSpec(DataType.string, "prediction_set")] if about.get("prediction_set") else []
    label = ColSpec(types.get(rows["kind_of_classes"], DataType.string), "label")
    probabilities = [ColSpec(DataType.double, f"probability_{label}") for label in rows["classes"]]
    return Schema([label, *texts, *probabilities])


def _example(rows: Mapping[str, Any]) -> pd.DataFrame | dict[str, np.ndarray]:
    first = {name: np.array(column["values"], column["dtype"]) for name, column in rows["columns"].items()}
    return {"x": first["x"].astype(np.float64)} if rows["is_array"] else pd.DataFrame(first)
