"""A SavedModel behind MLflow's pyfunc interface. MLflow copies this file to the model: it imports nothing of ours."""

import json
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
        self._schema = json.loads((folder / "assets.extra" / "schema.json").read_text(encoding="utf-8"))

    # The annotation keeps MLflow from asking for one, by a warning at each import; the signature says what is taken.
    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Predicts for a table with the columns' own names, or for an array `(n_rows, n_inputs)` under the name x."""
        import tensorflow as tf

        names = list(self._schema["inputs"])
        if len(self._schema["inputs"][names[0]]["shape"]) == 2:
            array = model_input["x"] if isinstance(model_input, dict) else model_input
            columns = {"x": np.asarray(array, dtype=np.float64)}
        else:
            columns = {name: self._column(model_input[name], self._schema["inputs"][name]["dtype"]) for name in names}
        outputs = self._loaded.serve({name: tf.constant(column) for name, column in columns.items()})
        return self._table({name: value.numpy() for name, value in outputs.items()})

    def _column(self, given, dtype):
        series = pd.Series(given)
        if dtype == "string":
            return series.astype(object).where(series.notna(), "").astype(str).to_numpy(object)
        return series.to_numpy(np.float64, na_value=np.nan)

    def _table(self, outputs):
        if "prediction" in outputs:
            targets = self._schema["target"]
            names = ["prediction"] if len(targets) == 1 else [f"prediction_{name}" for name in targets]
            return pd.DataFrame(outputs["prediction"], columns=names)
        labels = [label.decode() if isinstance(label, bytes) else label for label in outputs["label"].tolist()]
        probabilities = [f"probability_{label}" for label in self._schema["classes"]]
        table = pd.DataFrame(outputs["probabilities"], columns=probabilities)
        table.insert(0, "label", labels)
        return table


mlflow.models.set_model(ServedModel())
