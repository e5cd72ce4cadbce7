"""What a call of many steps gets: rows on the device, and which of them each step takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

Rows = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # x, y, sample_weight
Placed = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]


class Piece(NamedTuple):
    """Rows on the device, and which of them each step takes."""

    rows: Placed
    numbers: tf.Tensor  # (at least n_steps, n_batch) int32
    n_steps: int
    is_rest: bool = False  # the one smaller step at the end of an epoch


def place(rows: Rows) -> Placed:
    """Copies rows to the device."""
    x, y, weight = rows
    return tf.constant(x), tf.constant(y), None if weight is None else tf.constant(weight)
