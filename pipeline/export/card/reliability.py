"""Whether a model is as sure as it is right: the reliability curve and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data import Target

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Rows whose largest probability lies in a tenth of the range."""

    low: float
    high: float
    n_rows: int
    confidence: float  # mean of the largest probability
    accuracy: float  # how often that class is the true one


def reliability(target: Target, probabilities: np.ndarray) -> tuple[list[Bin], float]:
    """The bins that have rows, and the expected calibration error (Guo et al. 2017): their mean gap by rows.

    Args:
        target: True classes of the rows.
        probabilities: `(n_rows, n_classes)`.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == target.values[:, 0]
    numbers = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [
        Bin(at / BINS, (at + 1) / BINS, int(in_.sum()), float(confidence[in_].mean()), float(right[in_].mean()))
        for at in range(BINS)
        if (in_ := numbers == at).any()
    ]
    return bins, sum(entry.n_rows * abs(entry.confidence - entry.accuracy) for entry in bins) / len(right)
