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
    count: Any  # of the numbers that the layers' generators have drawn, int64

    def __call__(self, x: Any, layer: int, has_padding: bool) -> Any:
        """Drops units of outputs `(n_members, n_rows, units)`.

        Args:
            x: The outputs.
            layer: Number of the layer.
            has_padding: Whether some of the units are padding.
        """
        drawn = self._padded(x.shape, layer) if has_padding else self._unpadded(x.shape, layer)
        dropped = tf.reshape(self.values["dropped"][:, layer], [-1, 1, 1])
        scale = tf.cast(LEVELS, x.dtype) / (tf.cast(LEVELS, x.dtype) - dropped)
        return tf.where(tf.cast(drawn, x.dtype) >= dropped, x * scale, tf.zeros([], x.dtype))

    def _unpadded(self, shape: Any, layer: int) -> Any:
        """Draws a number for each unit."""
        n_members, n_rows, units = shape
        pairs = self._pairs(layer, n_rows * units)
        if pairs.shape[0] < n_members:
            pairs = tf.gather(pairs, self.values["seed"])
        return tf.reshape(_halves(pairs)[:, : n_rows * units], shape)

    def _padded(self, shape: Any, layer: int) -> Any:
        """Draws a number for each unit, in the order of each member's own width; padding gets any of them."""
        _, n_rows, units = shape
        halves = _halves(self._pairs(layer, n_rows * units))
        own = tf.reshape(tf.maximum(self.values["units"][:, layer], 1), [-1, 1, 1])
        places = tf.range(n_rows)[:, tf.newaxis] * own + tf.minimum(tf.range(units), own - 1)
        first = tf.reshape(self.values["seed"], [-1, 1, 1]) * halves.shape[1]
        return tf.gather(tf.reshape(halves, [-1]), first + places)

    def _pairs(self, layer: int, n_numbers: int) -> Any:
        """Draws 32 bits for every two numbers, `(n_seeds, (n_numbers + 1) // 2)`."""
        return threefry.bits(threefry_seed(self.values["seeds"][:, layer], self.count), (n_numbers + 1) // 2)


def _halves(pairs: Any) -> Any:
    """Divides each 32 bits into two numbers below LEVELS, the lower bits first."""
    low, high = pairs & tf.constant(LEVELS - 1, tf.uint32), tf.bitwise.right_shift(pairs, tf.constant(16, tf.uint32))
    return tf.reshape(tf.stack([low, high], axis=2), [pairs.shape[0], -1])
