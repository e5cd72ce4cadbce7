"""What an epoch draws by chance: it follows from the seed and the epoch's number, not from what was drawn before.

So an epoch is the same whether the process that trains it has trained those before it, or another one has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

DRAWS_AN_EPOCH = 2**32  # numbers that a layer's generator has for an epoch; it counts on from the epoch's first


def order_of(seed: int, epoch: int) -> np.random.Generator:
    """What the order of the rows is drawn by; epochs count from 0."""
    return np.random.default_rng([seed, epoch])


def generators(model: keras.Model) -> list[Any]:
    """The states of the layers' generators, `(2,)` each: the layer's seed, and how many numbers it has drawn."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def begin_epoch(states: Sequence[Any]) -> None:
    """Moves the layers' generators on to where the next epoch begins: in that of number n to n * DRAWS_AN_EPOCH.

    Where they are tells which one that is: a number as an argument would cost a short epoch a tenth of a millisecond.
    """
    for state in states:
        seed, count = tf.unstack(state.value)
        state.assign(tf.stack([seed, -(-count // DRAWS_AN_EPOCH) * DRAWS_AN_EPOCH]))


class EpochDraws(keras.callbacks.Callback):
    """What the epochs of Keras's own loop draw by chance.

    Args:
        seed: Of the order of the rows.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed, self._epoch = seed, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Looks for what draws."""
        self._states = generators(self.model)
        self._begin = tf.function(lambda: begin_epoch(self._states), autograph=False)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Goes to the epoch's own place."""
        self._epoch = epoch
        if self._states:
            self._begin()

    def order(self) -> np.random.Generator:
        """What the order of the rows of the epoch that has begun is drawn by."""
        return order_of(self.seed, self._epoch)
