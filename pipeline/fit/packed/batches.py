"""Row numbers of the steps of an epoch, for members whose rows come in orders of their own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pipeline.fit.packed.compiled_steps import Schedule
from pipeline.fit.steps import Steps


def batches(orders: np.ndarray, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """Returns row numbers `(n_steps, n_orders, n_batch)`, with a smaller last batch padded, and how many count."""
    n_orders, n_rows = orders.shape
    filled = np.zeros((n_orders, steps.count * steps.n_batch), np.int32)
    filled[:, :n_rows] = orders
    n_valid = np.full(steps.count, steps.n_batch, np.int32)
    if steps.n_last:
        n_valid[-1] = steps.n_last
    return np.ascontiguousarray(filled.reshape(n_orders, steps.count, steps.n_batch).swapaxes(0, 1)), n_valid


def in_order(n_rows: int, n_batch: int) -> Schedule:
    """Returns a schedule of all rows in order."""
    n_batch = min(n_rows, n_batch)
    n_full, n_last = divmod(n_rows, n_batch)
    numbers, n_valid = batches(np.arange(n_rows)[np.newaxis], Steps(n_batch, n_full, n_last))
    nothing = tf.zeros([], tf.int64)
    return Schedule(tf.constant(numbers), tf.constant(n_valid), tf.ones([len(n_valid)]), nothing, nothing)
