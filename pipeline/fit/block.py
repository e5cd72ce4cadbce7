"""Many minibatches per call: the steps of an epoch as one loop inside the graph, compiled by XLA or not.

Networks on tables are small: stock Keras spends most of an epoch between its steps, fetching the next batch and
calling the next function. Here the rows lie on the device once, and a call gets the numbers of the rows of many
batches; the loop over them runs where the arithmetic does. Each step is Keras's own `train_step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]


class BlockTrained(keras.Model):
    """A model whose `train_step` takes a block of row numbers, `(n_steps, n_batch)`, and does that many steps."""

    def place(self, rows: Arrays) -> None:
        """Puts the training rows on the device, where all later steps read them."""
        # In a list of our own: a Keras model would take tensors among its attributes for parts of itself.
        self._rows = _Untracked([None if part is None else tf.constant(part) for part in rows])

    def train_step(self, block: Any) -> dict[str, Any]:
        """Runs one ordinary step per row of the block, in order."""
        (numbers,) = block if isinstance(block, tuple) else (block,)
        step = super().train_step

        def body(position: tf.Tensor) -> tuple[tf.Tensor]:
            chosen = numbers[position]
            step(tuple(None if part is None else tf.gather(part, chosen) for part in self._rows.parts))
            return (position + 1,)

        tf.while_loop(lambda position: position < tf.shape(numbers)[0], body, (0,), parallel_iterations=1)
        return self.get_metrics_result()


class _Untracked:
    def __init__(self, parts: list[tf.Tensor | None]) -> None:
        self.parts = parts


def training_data(model: keras.Model, rows: Arrays, n_batch: int, seed: int) -> dict[str, Any]:
    """What to give to `fit`, in a new order each epoch: blocks of row numbers, or for a stock model the rows."""
    x, y, weight = rows
    if not isinstance(model, BlockTrained):
        return {"x": x, "y": y, "sample_weight": weight, "batch_size": n_batch, "shuffle": True}
    model.place(rows)
    return {"x": shuffled_blocks(len(x), n_batch, seed), "shuffle": False}


def shuffled_blocks(n_rows: int, n_batch: int, seed: int) -> tf.data.Dataset:
    """Each time it is gone through, all row numbers in a new order: a block of full batches, and one of what is left.

    Both together hold every row once, as an epoch of stock Keras does; the second block is a single, smaller step.
    """
    generator = np.random.default_rng(seed)
    n_full = n_rows - n_rows % n_batch

    def blocks() -> Iterator[np.ndarray]:
        order = generator.permutation(n_rows).astype(np.int32)
        yield order[:n_full].reshape(-1, n_batch)
        if n_full < n_rows:
            yield order[n_full:].reshape(1, -1)

    blocks_ = tf.data.Dataset.from_generator(blocks, output_signature=tf.TensorSpec((None, None), tf.int32))
    return blocks_.apply(tf.data.experimental.assert_cardinality(1 if n_full == n_rows else 2))
