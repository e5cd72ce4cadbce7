"""What an MLflow model needs of its training data, as JSON: another process makes the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.data import Rows
from pipeline.data.reading import input_column, notation, parse_inputs

EXAMPLE_ROWS = 2
# Files with which pyfunc.py reads values; imported files come first.
READING = {file.__name__.rpartition(".")[2]: str(file.__file__) for file in (notation, input_column, parse_inputs)}


def described(rows: Rows) -> dict[str, Any]:
    """Returns the first rows and a description of the targets, for `mlflow_model.write_model`."""
    columns = {name: np.asarray(column[:EXAMPLE_ROWS]) for name, column in rows.inputs.items()}
    target = rows.target
    return {
        "columns": {name: {"dtype": column.dtype.str, "values": column.tolist()} for name, column in columns.items()},
        "is_array": "x" in rows.inputs and rows.inputs["x"].ndim == 2,
        "n_inputs": rows.n_inputs,
        "task": target.task,
        "targets": list(target.names),
        "classes": target.classes.tolist(),
        "kind_of_classes": target.classes.dtype.kind,
        "reading": READING,
    }
