"""Preprocessing as part of a graph: columns of one kind share operations, however many there are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from pipeline.data.preprocessing.network_inputs import ArrayInputs, TableInputs
from pipeline.data.preprocessing.stacked_columns import stacks
from pipeline.export.tensorflow_ops import TensorOps


def preprocessed(
    ops: TensorOps,
    inputs: TableInputs | ArrayInputs,
    columns: Mapping[str, tf.Tensor],
    dtype: tf.DType = tf.float32,
) -> tf.Tensor:
    """The network's inputs, `(n_rows, n_inputs)` of the dtype, from raw columns.

    Args:
        ops: The operations to use.
        inputs: The fitted preprocessing.
        columns: Raw columns by name.
        dtype: Type of the inputs.
    """
    if isinstance(inputs, ArrayInputs):
        (array,) = inputs.apply(ops, columns)
        return tf.cast(array, dtype)
    parts, order = [], []
    for stack in stacks(inputs.features):
        parts += stack.apply(ops, tf.stack([columns[name] for name in stack.columns], axis=1))
        order.append(stack.order)
    places = np.argsort(np.concatenate(order))
    whole = tf.concat([tf.cast(part, dtype) for part in parts], axis=1)
    return whole if np.array_equal(places, np.arange(len(places))) else tf.gather(whole, places, axis=1)
