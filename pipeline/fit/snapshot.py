"""Networks in training as they are after an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.device_batch import Rows
from pipeline.fit.multi_step_model import VALIDATION_ROWS


@dataclass(frozen=True)
class Snapshot:
    """A network after an epoch, with its moving averages if it has those.

    Attributes:
        epoch: From 1.
        outputs: `(n_val, n_outputs)` for the validation rows.
        weights: Returns the weights in the order of its Keras model, before training goes on.
    """

    epoch: int
    outputs: np.ndarray
    weights: Callable[[], list[np.ndarray]]


class AfterEpoch(keras.callbacks.Callback):
    """Shows a network after each epoch.

    Args:
        seen: Takes the network as it is then.
        network: Gets the weights of the model that is trained in its place.
        val: Scaled validation rows.
    """

    def __init__(self, seen: Callable[[Snapshot], None], network: keras.Model, val: Rows) -> None:
        super().__init__()
        self._seen, self._network, self._x = seen, network, val[0]
        self._run = tf.function(lambda x: network(x, training=False), autograph=False, reduce_retracing=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Copies the weights, and predicts the validation rows."""
        self._network.set_weights(self.model.get_weights())
        starts = range(0, len(self._x), VALIDATION_ROWS)
        outputs = [self._run(self._x[start : start + VALIDATION_ROWS]).numpy() for start in starts]
        self._seen(Snapshot(epoch + 1, np.concatenate(outputs), self._network.get_weights))
