"""Preprocessing: from raw rows to the arrays that a network trains on, fitted on the training rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.config.rules import Data
from pipeline.data.rows import Rows
from pipeline.data.scaling import Scaler
from pipeline.errors import DataError

LARGEST = 1e30  # of scaled values; a layer adds up some hundred of them, and float32 ends at 3e38


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

    def check(self, rows: Rows) -> None:
        """Looks for values that float32 cannot hold once they are scaled, in test rows too, before hours of training.

        Raises:
            DataError: With the columns and the first row of each.
        """
        faults = []
        for scaler, names, raw in (
            (self.inputs, rows.input_names, stacked(rows.inputs)),
            (self.outputs, rows.target.names, rows.target.values),
        ):
            lowest, highest = raw.min(axis=0).astype(np.float64), raw.max(axis=0).astype(np.float64)
            with np.errstate(over="ignore"):
                sizes = np.maximum(
                    np.abs((lowest - scaler.shift) / scaler.scale), np.abs((highest - scaler.shift) / scaler.scale)
                )
            for number in np.flatnonzero(~(sizes < LARGEST)):
                row = int(np.abs(raw[:, number] - scaler.shift[number]).argmax())
                faults.append(
                    f"column {names[number]!r}, row {row}: {raw[row, number]:g} is {sizes[number]:.2g} when scaled"
                )
        if faults:
            remedy = (
                f"A network computes in float32, and takes scaled values up to {LARGEST:g}; remove or cap such outliers"
            )
            raise DataError("\n".join([*faults, remedy]))

    def apply(self, rows: Rows) -> Arrays:
        """Scales the rows of a split. Weights are divided by their mean: only their proportions matter to training."""
        weight = None if rows.sample_weight is None else rows.sample_weight / rows.sample_weight.mean()
        return Arrays(
            x=self.inputs.apply(stacked(rows.inputs)),
            y=self.outputs.apply(rows.target.values),
            sample_weight=None if weight is None else weight.astype(np.float32),
        )


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
