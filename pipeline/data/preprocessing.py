"""Preprocessing: from raw rows to the arrays that a network trains on, fitted on the training rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.config.rules import Data
from pipeline.data.rows import Rows
from pipeline.data.scaling import Scaler
from pipeline.errors import DataError


class Arrays(NamedTuple):
    """Rows as the network sees them, in the order that Keras takes them."""

    x: np.ndarray  # (n_rows, n_inputs) float32, scaled
    y: np.ndarray  # (n_rows, n_outputs) float32, scaled; for classes (n_rows, 1), the class numbers
    sample_weight: np.ndarray | None  # (n_rows,) float32


@dataclass(frozen=True)
class Preprocessing:
    """The fitted scalers of inputs and targets. Class numbers pass as they are."""

    inputs: Scaler
    outputs: Scaler

    def apply(self, rows: Rows) -> Arrays:
        """Scales rows.

        Raises:
            DataError: A scaled value is beyond float32.
        """
        x = self.inputs.apply(stacked(rows.inputs))
        y = self.outputs.apply(rows.target.values)
        for names, scaled in ((rows.input_names, x), (rows.target.names, y)):
            beyond = ~np.isfinite(scaled).all(axis=0)
            if beyond.any():
                wrong = ", ".join(repr(name) for name, is_beyond in zip(names, beyond, strict=True) if is_beyond)
                raise DataError(f"column {wrong}: scaled values are beyond the range of float32; look for outliers")
        weight = None if rows.sample_weight is None else rows.sample_weight.astype(np.float32)
        return Arrays(x, y, weight)


def fit_preprocessing(training_rows: Rows, config: Data) -> Preprocessing:
    """Fits the scalers. Only training rows may be given: what validation and test rows are like stays unknown."""
    outputs = config.output_scaling if training_rows.target.task == "regression" else "none"
    return Preprocessing(
        inputs=Scaler.fit(stacked(training_rows.inputs), config.input_scaling, "data.input_scaling"),
        outputs=Scaler.fit(training_rows.target.values, outputs, "data.output_scaling"),
    )


def stacked(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Raw inputs as one array `(n_rows, n_inputs)`: named columns side by side, an array as it is."""
    return inputs["x"] if next(iter(inputs.values())).ndim == 2 else np.stack(list(inputs.values()), axis=1)
