"""Deviation of predictions from those of the network on preprocessed rows, in units common to all targets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.data import Preprocessing
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.scaling import OutputScaler
from pipeline.export.assemble import Columns
from pipeline.export.conformal import Interval
from pipeline.export.manifest import BOUNDED

TOLERANCE = 1e-5  # times max(1, |value|), in scaled units
SLOPE_STEP = 1e-3  # in scaled units; the inverse is taken as straight over such a step


def network_inputs(preprocessing: Preprocessing, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Raw columns preprocessed by numpy, `(n_rows, n_inputs)` float64.

    Args:
        preprocessing: The fitted preprocessing.
        columns: Raw columns.
    """
    parts = preprocessing.inputs.apply(NumpyOps(), columns)
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def apart(
    served: Columns, expected: np.ndarray, preprocessing: Preprocessing, task: str, interval: Interval | None = None
) -> float:
    """The largest difference of `apart_by_row`, whose arguments it takes."""
    return float(np.max(apart_by_row(served, expected, preprocessing, task, interval)))


def apart_by_row(
    served: Columns, expected: np.ndarray, preprocessing: Preprocessing, task: str, interval: Interval | None = None
) -> np.ndarray:
    """The largest difference of served outputs from the network's in each row, `(n_rows,)`.

    Differences are in scaled units or in probability, divided by max(1, |value|).

    Args:
        served: `prediction` in original units, with bounds `lower` and `upper`; or `probabilities`.
        expected: Scaled predictions, for members followed by their spread; or logits.
        preprocessing: Converts to original units.
        task: What is predicted.
        interval: Computes bounds; None without bounds.
    """
    if task != "regression":
        probabilities = probabilities_of(expected)
        return (np.abs(served["probabilities"] - probabilities) / np.maximum(1, probabilities)).max(axis=1)
    scaler, columns = preprocessing.outputs, list(expected.astype(np.float64).T)
    predictions = expected[:, : len(scaler.chains)]
    if interval is None:
        return _apart_by_row(served["prediction"], scaler.invert(predictions), predictions, scaler)
    values = [np.stack(of_targets, axis=1) for of_targets in interval.bounds(NumpyOps(), scaler, columns)]
    lower, upper = (np.stack(of_targets, axis=1) for of_targets in interval.ends(NumpyOps(), scaler, columns))
    free = scaler.beyond_range()
    places = ((predictions, scaler), (lower, free), (upper, free))
    found = [
        _apart_by_row(served[name], expectation, scaled, by)
        for name, expectation, (scaled, by) in zip(BOUNDED, values, places, strict=True)
    ]
    return np.max(found, axis=0)


def _apart_by_row(served: np.ndarray, expected: np.ndarray, scaled: np.ndarray, scaler: OutputScaler) -> np.ndarray:
    """The largest difference of each row, in scaled units at the values `scaled`."""
    apart = np.abs(served - expected) / _units(scaler, scaled)
    return (apart / np.maximum(1, np.abs(scaled))).max(axis=1)


def _units(scaler: OutputScaler, scaled: np.ndarray) -> np.ndarray:
    """Original units per scaled unit at each prediction; comparing there adds no rounding by an inverse."""
    invert = scaler.invert
    slope = np.abs(invert(scaled + SLOPE_STEP) - invert(scaled - SLOPE_STEP)) / (2 * SLOPE_STEP)
    return np.maximum(slope, SLOPE_STEP * scaler.units_per_scaled)  # flat beyond the training range


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Probability of each class, `(n_rows, n_classes)` float64, from logits of the second `(n_rows, 1)` or of all."""
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
