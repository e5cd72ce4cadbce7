"""Random numbers of an epoch: they depend on the seed and the epoch's number, not on earlier draws.

An epoch is therefore the same whether this process or another one trained the epochs before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

DRAWS_AN_EPOCH = 2**32  # counter values reserved for each epoch in a layer's generator


def order_of(seed: int, epoch: int) -> np.random.Generator:
    """Returns the generator that shuffles the rows.

    Args:
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
    """
    return np.random.default_rng([seed, epoch])


def generators(model: keras.Model) -> list[Any]:
    """Returns the states of the layers' generators, `(2,)` each: the layer's seed and the count of its draws."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def begin_epoch(states: Sequence[Any]) -> None:
    """Advances the layers' generators to the start of the next epoch: the next multiple of DRAWS_AN_EPOCH.

    The epoch follows from the counters: passing its number as an argument would cost a short epoch 0.1 ms.
    """
    for state in states:
        seed, count = tf.unstack(state.value)
        state.assign(tf.stack([seed, -(-count // DRAWS_AN_EPOCH) * DRAWS_AN_EPOCH]))


class EpochDraws(keras.callbacks.Callback):
    """Makes the random numbers of an epoch in Keras's own loop depend on the seed and the epoch's number.

    Args:
        seed: Seed of the order of the rows.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed, self._epoch = seed, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Finds the model's random generators."""
        self._states = generators(self.model)
        self._begin = tf.function(lambda: begin_epoch(self._states), autograph=False)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Advances the generators to the start of the epoch."""
        self._epoch = epoch
        if self._states:
            self._begin()

    def order(self) -> np.random.Generator:
        """Returns the generator that shuffles the rows of the current epoch."""
        return order_of(self.seed, self._epoch)
