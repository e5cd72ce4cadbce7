"""Weights of the networks of a pack after an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.packed.stack import of_member


class StackedWeights:
    """Stacked weights that are fetched on first use."""

    def __init__(self, weights: Sequence[tf.Tensor]) -> None:
        self._weights = weights

    @cached_property
    def _arrays(self) -> list[np.ndarray]:
        return [weight.numpy() for weight in self._weights]

    def of_member(self, member: int, network: keras.Model) -> list[np.ndarray]:
        """Returns copies of the weights of one member, in the shapes of its network."""
        return of_member(self._arrays, member, network)
