"""A SavedModel that was checked against its manifest and loaded, for predict and serve."""

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
from pipeline.runtime.startup import hide_onednn_notice

FEW_ROWS = 1024  # for more rows the graph takes longer than the tensors


class LoadedModel:
    """A model from raw columns to predictions in original units, or to labels and probabilities.

    Attributes:
        folder: The SavedModel's folder.
        manifest: Its inputs and outputs: `inputs` (raw columns, in the model's order), `outputs`, `task`, `target`,
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
            folder: The SavedModel's folder.
            trust: Whether to load a model that has no manifest or does not match it. A SavedModel is a program that can
                read and write files, so trust only models that you know.
            strict: Whether to refuse gaps in columns that had none in training; else `predict` fills them and warns.

        Raises:
            ModelError: A file is missing or was changed, the manifest is missing, or TensorFlow cannot load it.
        """
        self.folder, self._strict = folder, strict
        self.manifest = manifests.trusted(folder) if trust else manifests.verify(folder)
        hide_onednn_notice()
        try:
            self.saved_model = tf.saved_model.load(str(folder))  # kept: a function alone would lose its variables
        except Exception as error:  # for broken files TensorFlow raises any type of error
            raise ModelError(f"{folder} cannot be loaded by TensorFlow: {str(error).splitlines()[0]}") from None
        # The only graph, found once: finding it in each call takes a third of the time for a row.
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
            DataError: A column is missing or has an invalid value; the message names column and row.

        Warns:
            UserWarning: Columns have gaps that had none in training.
        """
        cleaned = raw_columns(list(self.manifest.inputs.values()), given)
        if self._strict:
            with values_at_fault():
                cleaned.require_known_gaps()
        for gaps in cleaned.new_gaps:
            warnings.warn(str(gaps), stacklevel=2)
        return self.predict_raw(cleaned.columns)

    def predict_raw(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Like `predict`, for columns that are already float64 or objects `str`, as `raw_columns` returns them."""
        n_rows = len(next(iter(columns.values())))
        if n_rows == 0:
            return {name: np.zeros((0, *about["shape"][1:])) for name, about in self.manifest.outputs.items()}
        return self._packed.predict(columns) if n_rows <= FEW_ROWS else in_batches(self._serve, columns)

    def table(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs as columns of a table with the names of `manifest.table_columns`."""
        return table(self.manifest.table_columns, self.manifest.classes, outputs)
