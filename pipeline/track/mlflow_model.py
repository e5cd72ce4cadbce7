"""Wraps the SavedModel as an MLflow model, for `mlflow models predict` and `serve`."""

import json
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType

from pipeline.data import Rows
from pipeline.data.reading import input_column, notation, parse_inputs

EXAMPLE_ROWS = 2
MANIFEST = "assets.extra/manifest.json"
# Files with which pyfunc.py reads values; imported files come first.
READING = {file.__name__.rpartition(".")[2]: str(file.__file__) for file in (notation, input_column, parse_inputs)}


def write_model(path: Path, folder: Path, rows: Rows) -> None:
    """Writes the MLflow model into a new folder, with signature, input example and requirements.

    It is sent to the store as by `mlflow.pyfunc.log_model`, without two steps: reading back each metric of the run,
    and loading the model to predict the example, because the model is already verified.

    Args:
        path: The new folder.
        folder: Of the SavedModel.
        rows: Training data.
    """
    mlflow.pyfunc.save_model(
        path=path,
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={"saved_model": str(folder), **READING},
        signature=ModelSignature(_inputs(rows), _outputs(rows, folder)),
        metadata={"columns": _described(folder)},
        input_example=_example(rows),
        # Given, so that MLflow does not start a process to infer them; this package is not required.
        pip_requirements=[f"{name}=={version(name)}" for name in ("tensorflow", "pandas", "numpy")],
    )


def _inputs(rows: Rows) -> Schema:
    """Returns the columns with any type: MLflow would refuse integers for double, and more, before our code runs.

    The model's metadata describe each column.
    """
    if "x" in rows.inputs and rows.inputs["x"].ndim == 2:
        return Schema([TensorSpec(np.dtype(np.float64), (-1, rows.n_inputs), "x")])
    return Schema([ColSpec(AnyType(), name) for name in rows.inputs])


def _described(folder: Path) -> dict[str, str]:
    """Returns a description of each column, for the metadata."""
    inputs = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["inputs"]
    return {name: " as ".join([about["kind"], *([about["date"]] if "date" in about else [])])
            for name, about in inputs.items()}  # fmt: skip


def _outputs(rows: Rows, folder: Path) -> Schema:
    about, target = json.loads((folder / MANIFEST).read_text(encoding="utf-8")), rows.target
    if target.task == "regression":
        kinds = ["prediction", *(["lower", "upper"] if about.get("interval") else [])]
        several = len(target.names) > 1
        names = [f"{kind}_{name}" if several else kind for kind in kinds for name in target.names]
        return Schema([ColSpec(DataType.double, name) for name in names])
    types = {"i": DataType.long, "f": DataType.double, "b": DataType.boolean}
    texts = [ColSpec(DataType.string, "prediction_set")] if about.get("prediction_set") else []
    label = ColSpec(types.get(target.classes.dtype.kind, DataType.string), "label")
    probabilities = [ColSpec(DataType.double, f"probability_{label}") for label in target.classes.tolist()]
    return Schema([label, *texts, *probabilities])


def _example(rows: Rows) -> pd.DataFrame | dict[str, np.ndarray]:
    first = {name: np.asarray(column[:EXAMPLE_ROWS]) for name, column in rows.inputs.items()}
    if "x" in first and first["x"].ndim == 2:
        return {"x": first["x"].astype(np.float64)}
    return pd.DataFrame(first)
