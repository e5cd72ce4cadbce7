"""Dropout of packed networks: each drops the units that it would drop alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from pipeline.fit.packed import threefry
from pipeline.fit.variable_clone import LEVELS, threefry_seed


@dataclass(frozen=True)
class Dropping:
    """Dropout of one step."""

    values: dict[str, Any]
    pads: tuple[bool, ...]  # whether a layer is narrower in some members than in others
    count: Any  # of the numbers that the layers' generators have drawn, int64

    def __call__(self, x: Any, layer: int) -> Any:
        """Drops units of outputs `(n_members, n_rows, units)` of the layer with this number."""
        drawn = self._of_own_width(x, layer) if self.pads[layer] else self._of_one_width(x, layer)
        dropped = tf.reshape(self.values["dropped"][:, layer], [-1, 1, 1])
        scale = tf.cast(LEVELS, x.dtype) / (tf.cast(LEVELS, x.dtype) - dropped)
        return tf.where(tf.cast(drawn, x.dtype) >= dropped, x * scale, tf.zeros([], x.dtype))

    def _of_one_width(self, x: Any, layer: int) -> Any:
        """Draws a number below LEVELS for each unit."""
        _, n_rows, units = x.shape
        return tf.reshape(self._drawn(layer, n_rows * units)[:, : n_rows * units], x.shape)

    def _of_own_width(self, x: Any, layer: int) -> Any:
        """Draws a number below LEVELS for each unit, row by row of a member's own width; padding gets any of them."""
        _, n_rows, units = x.shape
        own = tf.reshape(tf.maximum(self.values["units"][:, layer], 1), [-1, 1, 1])
        places = tf.range(n_rows)[:, tf.newaxis] * own + tf.minimum(tf.range(units), own - 1)
        return tf.gather(self._drawn(layer, n_rows * units), places, batch_dims=1)

    def _drawn(self, layer: int, n: int) -> Any:
        """Draws at least `n` numbers for each member: two of each 32 bits, the lower ones first."""
        pairs = threefry.bits(threefry_seed(self.values["seeds"][:, layer], self.count), (n + 1) // 2)
        if pairs.shape[0] < self.values["seed"].shape[0]:  # members share seeds
            pairs = tf.gather(pairs, self.values["seed"])
        low, high = (
            pairs & tf.constant(LEVELS - 1, tf.uint32),
            tf.bitwise.right_shift(pairs, tf.constant(16, tf.uint32)),
        )
        return tf.reshape(tf.stack([low, high], axis=2), [pairs.shape[0], -1])
