"""How far predictions are from those that the network makes of preprocessed rows, in units that all targets share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.data import Preprocessing
from pipeline.data.ops import NumpyOps
from pipeline.export.assemble import Columns

TOLERANCE = 1e-5  # times max(1, |value|), in scaled units
SLOPE_STEP = 1e-3  # in scaled units, over which the way back to original units is taken as straight


def network_inputs(preprocessing: Preprocessing, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Raw columns preprocessed by numpy, `(n_rows, n_inputs)` float64."""
    parts = preprocessing.inputs.apply(NumpyOps(), columns)
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def apart(served: Columns, expected: np.ndarray, preprocessing: Preprocessing, task: str) -> float:
    """The largest difference of `apart_by_row`."""
    return float(np.max(apart_by_row(served, expected, preprocessing, task)))


def apart_by_row(served: Columns, expected: np.ndarray, preprocessing: Preprocessing, task: str) -> np.ndarray:
    """The differences of served outputs from what the network says, the largest of each row, `(n_rows,)`.

    They are in scaled units or in probability, and divided by max(1, |value|).

    Args:
        served: `prediction` in original units, or `probabilities`.
        expected: Scaled predictions, or logits.
        preprocessing: Has the way back to original units.
        task: What is predicted.
    """
    if task == "regression":
        apart = np.abs(served["prediction"] - preprocessing.outputs.invert(expected)) / _units(preprocessing, expected)
    else:
        expected = probabilities_of(expected)
        apart = np.abs(served["probabilities"] - expected)
    return (apart / np.maximum(1, np.abs(expected))).max(axis=1)


def _units(preprocessing: Preprocessing, scaled: np.ndarray) -> np.ndarray:
    """Original units per scaled unit at each prediction: compared there, no rounding of a way back is added."""
    invert = preprocessing.outputs.invert
    slope = np.abs(invert(scaled + SLOPE_STEP) - invert(scaled - SLOPE_STEP)) / (2 * SLOPE_STEP)
    return np.maximum(slope, SLOPE_STEP * preprocessing.outputs.units_per_scaled)  # flat beyond the training range


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Of each class, `(n_rows, n_classes)` float64, from `(n_rows, 1)` logits of the second or those of all."""
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
