"""The operations of preprocessing in TensorFlow, as they run inside the SavedModel; see data/ops.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.data.ops import FNV_OFFSET, FNV_PRIME, HASHED_BYTES


class TensorOps:
    """The operations on tensors; text is UTF-8. `tables` are what a SavedModel must keep of them."""

    isnan = staticmethod(tf.math.is_nan)
    abs = staticmethod(tf.abs)
    sign = staticmethod(tf.sign)
    floor = staticmethod(tf.floor)
    expm1 = staticmethod(tf.math.expm1)
    log1p = staticmethod(tf.math.log1p)
    sin = staticmethod(tf.sin)
    cos = staticmethod(tf.cos)
    minimum = staticmethod(tf.minimum)
    maximum = staticmethod(tf.maximum)

    def __init__(self) -> None:
        self.tables: dict[tuple[str, ...], tf.lookup.StaticHashTable] = {}

    def where(self, condition: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:  # noqa: D102
        dtypes: list[tf.DType] = [value.dtype for value in (x, y) if isinstance(value, tf.Tensor)]
        dtype = dtypes[0] if dtypes else tf.float64  # not float32, which TensorFlow makes of Python's numbers
        return tf.where(condition, tf.convert_to_tensor(x, dtype), tf.convert_to_tensor(y, dtype))

    def number(self, x: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return tf.cast(x, tf.float64)

    def interpolate(self, x: tf.Tensor, xs: np.ndarray, ys: np.ndarray) -> tf.Tensor:  # noqa: D102
        inside = tf.clip_by_value(x, xs[0], xs[-1])
        left = tf.clip_by_value(tf.searchsorted(xs, inside, side="right") - 1, 0, len(xs) - 2)
        along = (inside - tf.gather(xs, left)) / tf.gather(np.diff(xs), left)  # a slope may be too small for TensorFlow
        return tf.where(inside >= xs[-1], ys[-1], along * tf.gather(np.diff(ys), left) + tf.gather(ys, left))

    def index_of_number(self, x: tf.Tensor, vocabulary: np.ndarray) -> tf.Tensor:  # noqa: D102
        position = tf.minimum(tf.searchsorted(vocabulary, x, out_type=tf.int64), len(vocabulary) - 1)
        return tf.where(tf.gather(vocabulary, position) == x, position, -1)

    def index_of_text(self, x: tf.Tensor, vocabulary: Sequence[str]) -> tf.Tensor:  # noqa: D102
        key = tuple(vocabulary)
        if key not in self.tables:
            with tf.init_scope():
                values = tf.range(len(key), dtype=tf.int64)
                initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(key, tf.string), values)
                self.tables[key] = tf.lookup.StaticHashTable(initializer, -1)
        return self.tables[key].lookup(x)

    def hash_of_text(self, x: tf.Tensor, n_buckets: int) -> tf.Tensor:  # noqa: D102
        letters = tf.cast(tf.io.decode_raw(x, tf.uint8, fixed_length=HASHED_BYTES), tf.uint32)
        hashed = tf.fill(tf.shape(x), tf.constant(FNV_OFFSET, tf.uint32))
        for position in range(HASHED_BYTES):
            letter = letters[:, position]
            mixed = tf.bitwise.bitwise_xor(hashed, letter) * tf.constant(FNV_PRIME, tf.uint32)
            hashed = tf.where(letter > 0, mixed, hashed)
        return tf.cast(hashed, tf.int64) % n_buckets

    def one_hot(self, index: tf.Tensor, n: int) -> tf.Tensor:  # noqa: D102
        return tf.one_hot(index, n, dtype=tf.float64)

    def date_fields(self, x: tf.Tensor, pattern: str, names: Sequence[str]) -> dict[str, tf.Tensor]:  # noqa: D102
        matches = tf.strings.regex_full_match(x, pattern)
        fields = {}
        for group, name in enumerate(names, start=1):
            text = tf.strings.regex_replace(x, f"^(?:{pattern})$", f"\\{group}")
            there = tf.logical_and(matches, tf.strings.length(text) > 0)
            number = tf.strings.to_number(tf.where(there, text, "0"), tf.float64)
            fields[name] = tf.where(there, number, np.nan)
        return fields
