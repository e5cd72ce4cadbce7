"""Learned embeddings of categories: their gradients, and stacked tables."""

import numpy as np
import tensorflow as tf

from pipeline.model.layers.embedding import CategoryEmbeddings

ROWS = np.array([[0.5, 2, 0], [1.5, 2, 1], [2.5, 0, 1]], np.float32)


def test_the_gradient_of_a_table_is_dense() -> None:
    """Keras's optimizers square the rows of one that is not, before they add those of equal categories."""
    layer = CategoryEmbeddings([3, 2])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(ROWS))
    gradients = tape.gradient(total, layer.trainable_variables)
    assert all(isinstance(gradient, tf.Tensor) for gradient in gradients)
    np.testing.assert_array_equal(gradients[0][:, 0], [1, 0, 2])


def test_stacked_tables_give_what_each_gives() -> None:
    layers = [CategoryEmbeddings([3, 2]) for _ in range(4)]
    rows = np.stack([ROWS[np.random.default_rng(seed).permutation(3)] for seed in range(4)])
    expected = [layer(own) for layer, own in zip(layers, rows, strict=True)]
    tables = [np.stack(those) for those in zip(*(layer.get_weights() for layer in layers), strict=True)]
    np.testing.assert_array_equal(CategoryEmbeddings([3, 2]).apply(rows, tables), expected)
