"""A SavedModel behind MLflow's pyfunc interface. MLflow copies this file to the model: it does not import the pipeline.

Copies of the pipeline's files for reading values are stored next to it. They are loaded by path and under unique names,
because models of different versions can be in one process.
"""

import hashlib
import json
import sys
import types
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd


class ServedModel(mlflow.pyfunc.PythonModel):
    """Predicts from raw columns: a table with `prediction`, or with `label` and `probability_<class>`.

    With intervals it also has `lower` and `upper`, with prediction sets `prediction_set`.
    """

    def load_context(self, context):
        """Loads the SavedModel."""
        import tensorflow as tf

        folder = Path(context.artifacts["saved_model"])
        self._loaded = tf.saved_model.load(str(folder))  # its function alone does not keep the variables
        self._manifest = json.loads((folder / "assets.extra" / "manifest.json").read_text(encoding="utf-8"))
        _, described, cleaning = _modules(
            [Path(context.artifacts[name]) for name in ("notation", "input_column", "parse_inputs")]
        )
        self._columns = described.columns_of(self._manifest["inputs"], self._manifest["text"])
        self._clean = cleaning.clean

    # Without the annotation MLflow warns at each import; the signature describes the input.
    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Predicts for a table with the columns' names, or for an array `(n_rows, n_inputs)` named x.

        Args:
            context: Of MLflow; not used.
            model_input: The rows.
            params: Of MLflow; not used.

        Raises:
            ValueError: A value is invalid for its column; with row and column.

        Warns:
            UserWarning: A column has missing values but had none in training; the model imputes them.
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
        return self._of_regression(outputs) if "prediction" in outputs else self._of_classes(outputs)

    def _of_regression(self, outputs):
        targets = self._manifest["target"]
        kinds = [kind for kind in ("prediction", "lower", "upper") if kind in outputs]
        names = [kind if len(targets) == 1 else f"{kind}_{name}" for kind in kinds for name in targets]
        return pd.DataFrame(np.concatenate([outputs[kind] for kind in kinds], axis=1), columns=names)

    def _of_classes(self, outputs):
        labels = [label.decode() if isinstance(label, bytes) else label for label in outputs["label"].tolist()]
        probabilities = [f"probability_{label}" for label in self._manifest["classes"]]
        table = pd.DataFrame(outputs["probabilities"], columns=probabilities)
        table.insert(0, "label", labels)
        if "prediction_set" in outputs:
            named = np.array([str(label) for label in self._manifest["classes"]], object)
            table.insert(1, "prediction_set", [" | ".join(named[row > 0]) for row in outputs["prediction_set"]])
        return table


def _modules(paths):
    """Loads Python files, which can import earlier ones, under names with a digest of all their contents."""
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    digest = hashlib.sha256("".join(sources.values()).encode()).hexdigest()[:16]
    names = {path: f"dense_pipeline_{path.stem}_{digest}" for path in paths}
    for path, source in sources.items():
        if names[path] in sys.modules:
            continue
        for other, name in names.items():
            source = source.replace(f"from pipeline.data.reading.{other.stem} import", f"from {name} import")
        module = types.ModuleType(names[path])
        sys.modules[module.__name__] = module  # dataclasses look it up there
        exec(compile(source, str(path), "exec"), module.__dict__)
    return [sys.modules[name] for name in names.values()]


mlflow.models.set_model(ServedModel())
