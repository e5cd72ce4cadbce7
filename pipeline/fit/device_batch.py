"""Input of a call of many steps: rows on the device, and the row numbers of each step."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

# x, y, sample_weight: float32 (n_rows, n_inputs), (n_rows, n_outputs), and (n_rows,) or None
Rows = tuple[Any, Any, Any]  # NumPy arrays, or rows on disk (see disk_batching.py)
Placed = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]


class DeviceBatch(NamedTuple):
    """Rows on the device, and the row numbers of each step."""

    rows: Placed
    numbers: tf.Tensor  # (at least n_steps, n_batch) int32
    n_steps: int
    is_last: bool = False  # the epoch's one smaller or larger batch


def place(rows: Rows) -> Placed:
    """Copies rows to the device."""
    x, y, weight = rows
    return tf.constant(x), tf.constant(y), None if weight is None else tf.constant(weight)
