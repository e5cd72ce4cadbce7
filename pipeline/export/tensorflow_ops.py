"""The operations of preprocessing in TensorFlow, for the SavedModel; see data/ops.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.data.ops import FNV_OFFSET, FNV_PRIME, HASHED_BYTES


class SideBySide:
    """Numbers of several columns, of different lengths, from which each entry of a matrix selects one.

    Args:
        columns: Numbers of each column, `(n,)` with a length of its own.
        dtype: Of the constants in the graph.
    """

    def __init__(self, columns: Sequence[np.ndarray], dtype: tf.DType) -> None:
        self._columns, self._dtype = columns, dtype
        self.lengths = np.array([len(column) for column in columns])
        self._starts = np.cumsum(self.lengths) - self.lengths

    @property
    def first(self) -> np.ndarray:
        """`(n_columns,)`."""
        return np.array([column[0] for column in self._columns])

    @property
    def last(self) -> np.ndarray:
        """`(n_columns,)`."""
        return np.array([column[-1] for column in self._columns])

    @property
    def differences(self) -> SideBySide:
        """Differences of neighbours."""
        return SideBySide([np.diff(column) for column in self._columns], self._dtype)

    def padded(self, filler: float) -> tf.Tensor:
        """The numbers as a matrix `(n_columns, n)`, padded with the filler."""
        whole = np.full((len(self._columns), self.lengths.max()), filler, np.float64)
        for row, column in zip(whole, self._columns, strict=True):
            row[: len(column)] = column
        return tf.constant(whole, self._dtype)

    def gather(self, places: tf.Tensor) -> tf.Tensor:
        """The numbers at the places in each column, `(n_rows, n_columns)`."""
        starts = tf.constant(self._starts, places.dtype)
        return tf.gather(tf.constant(np.concatenate(self._columns), self._dtype), places + starts)


class TensorOps:
    """The operations on tensors; text is UTF-8. A SavedModel must keep `tables`."""

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
    dtype = tf.float64

    def __init__(self) -> None:
        self.tables: dict[Any, tf.lookup.StaticHashTable] = {}

    def where(self, condition: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:  # noqa: D102
        dtypes: list[tf.DType] = [value.dtype for value in (x, y) if isinstance(value, tf.Tensor)]
        dtype = dtypes[0] if dtypes else self.dtype  # not float32, to which TensorFlow converts Python's numbers
        return tf.where(condition, tf.convert_to_tensor(x, dtype), tf.convert_to_tensor(y, dtype))

    def number(self, x: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return tf.cast(x, self.dtype)

    def interpolate(self, x: tf.Tensor, xs: np.ndarray, ys: np.ndarray) -> tf.Tensor:  # noqa: D102
        return self.interpolate_columns(x[:, tf.newaxis], [xs], [ys])[:, 0]

    def interpolate_columns(  # noqa: D102
        self, x: tf.Tensor, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]
    ) -> tf.Tensor:
        knots, heights = self._side_by_side(xs), self._side_by_side(ys)
        inside = tf.clip_by_value(x, knots.first, knots.last)
        right = tf.searchsorted(knots.padded(np.inf), tf.transpose(inside), side="right")
        left = tf.clip_by_value(tf.transpose(right) - 1, 0, knots.lengths.astype(np.int32) - 2)
        along = (inside - knots.gather(left)) / knots.differences.gather(
            left
        )  # a slope may be too small for TensorFlow
        between = along * heights.differences.gather(left) + heights.gather(left)
        return tf.where(inside >= knots.last, heights.last, between)

    def index_of_number(self, x: tf.Tensor, vocabulary: np.ndarray) -> tf.Tensor:  # noqa: D102
        return self.index_of_number_columns(x[:, tf.newaxis], [vocabulary])[:, 0]

    def index_of_number_columns(self, x: tf.Tensor, vocabularies: Sequence[np.ndarray]) -> tf.Tensor:  # noqa: D102
        known = self._side_by_side(vocabularies)
        found = tf.transpose(tf.searchsorted(known.padded(np.inf), tf.transpose(x), out_type=tf.int64))
        position = tf.minimum(found, known.lengths - 1)
        return tf.where(known.gather(position) == x, position, -1)

    def index_of_text(self, x: tf.Tensor, vocabulary: Sequence[str]) -> tf.Tensor:  # noqa: D102
        return self._table(tuple(vocabulary), range(len(vocabulary))).lookup(x)

    def index_of_text_columns(self, x: tf.Tensor, vocabularies: Sequence[Sequence[str]]) -> tf.Tensor:
        """Uses at most two tables for any number of vocabularies: one of text numbers, one of positions in a column."""
        if len({tuple(vocabulary) for vocabulary in vocabularies}) == 1:
            return self.index_of_text(x, vocabularies[0])
        texts = tuple(sorted({text for vocabulary in vocabularies for text in vocabulary}))
        numbers, n_columns = {text: number for number, text in enumerate(texts)}, len(vocabularies)
        places = {
            numbers[text] * n_columns + column: place
            for column, vocabulary in enumerate(vocabularies)
            for place, text in enumerate(vocabulary)
        }
        number = self.index_of_text(x, texts)  # -1 for unknown texts, whose products below are in no table
        return self._table(tuple(places), places.values()).lookup(number * n_columns + np.arange(n_columns))

    def _side_by_side(self, columns: Sequence[np.ndarray]) -> SideBySide:
        return SideBySide(columns, self.dtype)

    def _table(self, keys: tuple[str, ...] | tuple[int, ...], values: Iterable[int]) -> tf.lookup.StaticHashTable:
        if keys not in self.tables:
            with tf.init_scope():
                given = tf.constant(keys, tf.string if isinstance(keys[0], str) else tf.int64)
                initializer = tf.lookup.KeyValueTensorInitializer(given, tf.constant(list(values), tf.int64))
                self.tables[keys] = tf.lookup.StaticHashTable(initializer, -1)
        return self.tables[keys]

    def hash_of_text(self, x: tf.Tensor, n_buckets: int) -> tf.Tensor:  # noqa: D102
        letters = tf.cast(tf.io.decode_raw(x, tf.uint8, fixed_length=HASHED_BYTES), tf.uint32)
        hashed = tf.fill(tf.shape(x), tf.constant(FNV_OFFSET, tf.uint32))
        for position in range(HASHED_BYTES):
            letter = letters[..., position]
            mixed = tf.bitwise.bitwise_xor(hashed, letter) * tf.constant(FNV_PRIME, tf.uint32)
            hashed = tf.where(letter > 0, mixed, hashed)
        return tf.cast(hashed, tf.int64) % n_buckets

    def one_hot(self, index: tf.Tensor, n: int) -> tf.Tensor:  # noqa: D102
        return self.one_hot_columns(index[:, tf.newaxis], [n])

    def one_hot_columns(self, index: tf.Tensor, widths: Sequence[int]) -> tf.Tensor:
        """Uses float32, which holds 0 and 1 exactly; with mixed columns, most of a network's inputs are one-hot."""
        if len(set(widths)) == 1:
            same = tf.equal(index[:, :, tf.newaxis], tf.range(widths[0], dtype=index.dtype))
            return tf.reshape(tf.cast(same, tf.float32), (-1, sum(widths)))
        own = tf.constant(np.concatenate(list(map(np.arange, widths))), index.dtype)
        return tf.cast(tf.equal(self.repeat_columns(index, widths), own), tf.float32)

    def repeat_columns(self, index: tf.Tensor, times: Sequence[int]) -> tf.Tensor:
        """Each column `times` times, side by side; a product is several times as fast as `tf.gather`."""
        column = np.repeat(np.arange(len(times)), times)
        chosen = (np.arange(len(times))[:, np.newaxis] == column).astype(np.float32)
        return tf.cast(tf.matmul(tf.cast(index, tf.float32), chosen), index.dtype)  # exact below 2^24

    def date_fields(self, x: tf.Tensor, pattern: str, names: Sequence[str]) -> dict[str, tf.Tensor]:  # noqa: D102
        matches = tf.strings.regex_full_match(x, pattern)
        fields = {}
        for group, name in enumerate(names, start=1):
            text = tf.strings.regex_replace(x, f"^(?:{pattern})$", f"\\{group}")
            there = tf.logical_and(matches, tf.strings.length(text) > 0)
            number = tf.strings.to_number(tf.where(there, text, "0"), tf.float64)
            fields[name] = tf.where(there, number, np.nan)
        return fields
