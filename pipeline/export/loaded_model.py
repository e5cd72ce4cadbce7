"""A SavedModel that was checked against its manifest and loaded: what predict and serve run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.errors import ModelError
from pipeline.export import manifest as manifests
from pipeline.export.assemble import in_batches
from pipeline.export.model_columns import raw_columns, values_at_fault
from pipeline.export.output_table import table
from pipeline.export.two_arrays import TwoArrays

FEW_ROWS = 1024  # for more of them the graph takes longer than the tensors


class LoadedModel:
    """A model from raw columns to predictions in original units, or to labels and probabilities.

    Attributes:
        folder: Of the SavedModel.
        manifest: What it takes and gives: `inputs` (raw columns, in the model's order), `outputs`, `task`, `target`,
            `classes`, `run_id`, `versions`, `reading`, `example`.

    Example:
        >>> from pathlib import Path
        >>> from pipeline import LoadedModel, load, run
        >>> result = run(load("data=diabetes", "fit.epochs=2"))
        >>> model = LoadedModel(Path(result.model_path))
        >>> rows = {name: [0.01, 0.02] for name in model.manifest.inputs}  # or a pandas frame, or an Arrow table
        >>> outputs = model.predict(rows)
        >>> outputs["prediction"].shape
        (2, 1)
    """

    def __init__(self, folder: Path, trust: bool = False, strict: bool = False) -> None:
        """Checks the files' hashes and loads the SavedModel.

        Args:
            folder: Of the SavedModel.
            trust: Loads what has no manifest or is not what it says. A SavedModel is a program that can read and write
                files: trust only what you know.
            strict: Refuses a gap in a column in which training had none; else `predict` fills it, and warns.

        Raises:
            ModelError: A file is missing or was changed, there is no manifest, or TensorFlow cannot load it.
        """
        self.folder, self._strict = folder, strict
        self.manifest = manifests.trusted(folder) if trust else manifests.verify(folder)
        try:
            self.saved_model = tf.saved_model.load(str(folder))  # kept: a function alone would lose its variables
        except Exception as error:  # of a broken file TensorFlow raises whatever it stumbles on
            raise ModelError(f"{folder} cannot be loaded by TensorFlow: {str(error).splitlines()[0]}") from None
        # The one graph there is, found once: to look for it at each call takes a third of the time of a row.
        functions = self.saved_model.serve.concrete_functions
        self._serve = functions[0] if len(functions) == 1 else self.saved_model.serve
        self._packed = TwoArrays(self._serve, self.manifest.inputs.values())

    def predict(self, given: Any) -> dict[str, np.ndarray]:
        """The outputs for raw columns, block by block.

        Args:
            given: Dict of sequences, pandas frame or Arrow table: the columns of `manifest.inputs` by name, in any
                order, others ignored. A gap is None or NaN, in text also `""`.

        Returns:
            `prediction` `(n_rows, n_targets)` float64, with bounds also `lower` and `upper`; or `label` `(n_rows,)` and
            `probabilities` `(n_rows, n_classes)`, with sets of labels also `prediction_set` `(n_rows, n_classes)`.

        Raises:
            DataError: A column is missing or holds what it cannot hold; the message names column and row.

        Warns:
            UserWarning: Columns have gaps, and training had none in them.
        """
        cleaned = raw_columns(list(self.manifest.inputs.values()), given)
        if self._strict:
            with values_at_fault():
                cleaned.require_known_gaps()
        for gaps in cleaned.new_gaps:
            warnings.warn(str(gaps), stacklevel=2)
        return self.predict_raw(cleaned.columns)

    def predict_raw(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As `predict`, for columns that are float64 or objects `str` already, as `raw_columns` makes them."""
        n_rows = len(next(iter(columns.values())))
        if n_rows == 0:
            return {name: np.zeros((0, *about["shape"][1:])) for name, about in self.manifest.outputs.items()}
        return self._packed.predict(columns) if n_rows <= FEW_ROWS else in_batches(self._serve, columns)

    def table(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs as a table's columns, named as `manifest.table_columns` says."""
        return table(self.manifest.table_columns, self.manifest.classes, outputs)
