"""Cross-entropy with label smoothing for integer class labels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class SmoothedCrossentropy(keras.losses.Loss):
    """Categorical cross-entropy of logits with label smoothing (Szegedy et al. 2016, section 7).

    Keras offers it for one-hot labels only, which take `n_classes` numbers per row.

    Args:
        smoothing: Share of each label that is spread evenly over all classes.
    """

    def __init__(self, smoothing: float) -> None:
        super().__init__(name="smoothed_crossentropy")
        self._smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row: `y_true` `(n_rows, 1)` class numbers, `y_pred` `(n_rows, n_classes)` logits."""
        logarithms = ops.log_softmax(y_pred, axis=-1)
        classes = ops.cast(ops.reshape(y_true, (-1, 1)), "int32")
        own = ops.take_along_axis(logarithms, classes, axis=-1)[:, 0]
        return -((1 - self._smoothing) * own + self._smoothing * ops.mean(logarithms, axis=-1))
