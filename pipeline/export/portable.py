"""The model in what mobile and ONNX runtimes can compute: numbers and numbers of categories in, no text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.data.ops import FIELDS
from pipeline.export.ops import TensorOps


class PortableOps(TensorOps):
    """The operations in one type of float, by what LiteRT and ONNX know; text comes as numbers of its vocabulary."""

    def __init__(self, dtype: tf.DType) -> None:
        super().__init__()
        self.dtype = dtype

    @staticmethod
    def isnan(x: tf.Tensor) -> tf.Tensor:
        """LiteRT has no test of its own; nothing else differs from itself."""
        return tf.not_equal(x, x)

    @staticmethod
    def log1p(x: tf.Tensor) -> tf.Tensor:
        """By the logarithm, corrected for what `1 + x` was rounded by (Higham 2002, section 1.14.1)."""
        above = 1 + x
        by = above - 1
        near = tf.equal(by, 0)
        ratio = x / tf.where(near, tf.ones_like(x), by)
        return tf.where(near, x, tf.math.log(tf.where(near, 2 * tf.ones_like(x), above)) * ratio)

    @staticmethod
    def expm1(x: tf.Tensor) -> tf.Tensor:
        """By the hyperbolic tangent, which does not cancel near 0: `expm1(x) = 2 tanh(x/2) / (1 - tanh(x/2))`."""
        half = tf.tanh(tf.clip_by_value(x, -1.0, 1.0) / 2)
        return tf.where(tf.abs(x) < 1, 2 * half / (1 - half), tf.exp(x) - 1)

    def where(self, condition: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:  # noqa: D102
        dtypes: list[tf.DType] = [value.dtype for value in (x, y) if isinstance(value, tf.Tensor)]
        dtype = dtypes[0] if dtypes else self.dtype
        return tf.where(condition, tf.convert_to_tensor(x, dtype), tf.convert_to_tensor(y, dtype))

    def number(self, x: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return tf.cast(x, self.dtype)

    def interpolate(self, x: tf.Tensor, xs: np.ndarray, ys: np.ndarray) -> tf.Tensor:  # noqa: D102
        knots, heights = (tf.constant(values, self.dtype) for values in (xs, ys))
        inside = tf.clip_by_value(x, knots[0], knots[-1])
        passed = tf.reduce_sum(tf.cast(inside[:, tf.newaxis] >= knots[tf.newaxis, :], tf.int32), axis=1)
        left = tf.clip_by_value(passed - 1, 0, len(xs) - 2)
        along = (inside - tf.gather(knots, left)) / tf.gather(tf.constant(np.diff(xs), self.dtype), left)
        rise = tf.gather(tf.constant(np.diff(ys), self.dtype), left)
        return tf.where(inside >= knots[-1], heights[-1], along * rise + tf.gather(heights, left))

    def index_of_number(self, x: tf.Tensor, vocabulary: np.ndarray) -> tf.Tensor:  # noqa: D102
        same = tf.cast(tf.equal(x[:, tf.newaxis], tf.constant(vocabulary, self.dtype)[tf.newaxis, :]), tf.int32)
        return tf.reduce_sum(same * tf.range(1, len(vocabulary) + 1), axis=1) - 1

    def index_of_text(self, x: tf.Tensor, vocabulary: Sequence[str]) -> tf.Tensor:  # noqa: D102
        known = tf.logical_and(x >= 0, x < len(vocabulary))
        return tf.where(known, x, -tf.ones_like(x))

    def hash_of_text(self, x: tf.Tensor, n_buckets: int) -> tf.Tensor:  # noqa: D102
        raise NotImplementedError("a hash of text")  # `unsupported` names the column before

    def one_hot(self, index: tf.Tensor, n: int) -> tf.Tensor:  # noqa: D102
        return tf.one_hot(index, n, dtype=self.dtype)

    def date_fields(self, x: tf.Tensor, pattern: str, names: Sequence[str]) -> dict[str, tf.Tensor]:  # noqa: D102
        return {name: x[:, FIELDS.index(name)] for name in names}
