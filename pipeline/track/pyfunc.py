"""A SavedModel behind MLflow's pyfunc interface. MLflow copies this file to the model: it imports nothing of ours.

What reads the values of a table lies beside it, the very files by which the pipeline reads them: loaded by their path,
and under names of their own, for two models of different versions may be in one process.
"""

import hashlib
import importlib.util
import json
import sys
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd


class ServedModel(mlflow.pyfunc.PythonModel):
    """Raw columns in; a table with `prediction`, or with `label` and `probability_<class>`, out."""

    def load_context(self, context):
        """Loads the SavedModel once."""
        import tensorflow as tf

        folder = Path(context.artifacts["saved_model"])
        self._loaded = tf.saved_model.load(str(folder))  # kept: its function alone would lose the variables
        self._manifest = json.loads((folder / "assets.extra" / "manifest.json").read_text(encoding="utf-8"))
        described = _module(Path(context.artifacts["input_column"]))
        self._columns = described.columns_of(self._manifest["inputs"], self._manifest["text"])
        self._clean = _module(Path(context.artifacts["clean"])).clean

    # The annotation keeps MLflow from asking for one, by a warning at each import; the signature says what is taken.
    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Predicts for a table with the columns' own names, or for an array `(n_rows, n_inputs)` under the name x.

        Raises:
            ValueError: Values are not what their columns can hold; with row and column.

        Warns:
            UserWarning: Columns have gaps, and training had none in them; they are filled as the model fills gaps.
        """
        import tensorflow as tf

        first, *_ = self._columns.values()
        given = {first.name: model_input} if isinstance(model_input, np.ndarray) else model_input
        cleaned = self._clean(self._columns.values(), given)
        for gaps in cleaned.new_gaps:
            warnings.warn(str(gaps), stacklevel=2)
        outputs = self._loaded.serve({name: tf.constant(column) for name, column in cleaned.columns.items()})
        return self._table({name: value.numpy() for name, value in outputs.items()})

    def _table(self, outputs):
        if "prediction" in outputs:
            targets = self._manifest["target"]
            names = ["prediction"] if len(targets) == 1 else [f"prediction_{name}" for name in targets]
            return pd.DataFrame(outputs["prediction"], columns=names)
        labels = [label.decode() if isinstance(label, bytes) else label for label in outputs["label"].tolist()]
        probabilities = [f"probability_{label}" for label in self._manifest["classes"]]
        table = pd.DataFrame(outputs["probabilities"], columns=probabilities)
        table.insert(0, "label", labels)
        return table


def _module(path):
    """The Python file of that path under a name that follows from its content."""
    name = f"dense_pipeline_{path.stem}_{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # where dataclasses look for it
        spec.loader.exec_module(module)
    return sys.modules[name]


mlflow.models.set_model(ServedModel())
