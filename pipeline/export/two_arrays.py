"""Serves few rows: their columns enter TensorFlow as two arrays.

Creating and checking a tensor for each column in Python takes longer than the graph for a single row.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.data.reading.input_column import InputColumn
from pipeline.export.assemble import Columns, RawColumn, in_batches


class TwoArrays:
    """Calls a serving function through another that takes numbers and texts as one matrix each, wide columns unchanged.

    Args:
        serve: Function from raw columns to outputs.
        columns: The function's columns.
    """

    def __init__(self, serve: Callable[..., Any], columns: Collection[InputColumn]) -> None:
        widths = {column.name: column.width for column in columns if column.width is not None}
        self._wide = list(widths)
        self._texts = [column.name for column in columns if column.is_text]
        self._numbers = [column.name for column in columns if not column.is_text and column.width is None]
        specs = {
            "numbers": tf.TensorSpec((None, len(self._numbers)), tf.float64),
            "texts": tf.TensorSpec((None, len(self._texts)), tf.string),
            **{_key(name): tf.TensorSpec((None, width), tf.float64) for name, width in widths.items()},
        }

        @tf.function(input_signature=[specs], autograph=False)
        def unpack(packed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            given = {name: packed[_key(name)] for name in self._wide}
            for names, part in ((self._numbers, "numbers"), (self._texts, "texts")):
                given |= zip(names, tf.unstack(packed[part], num=len(names), axis=1), strict=True)
            return serve(given)

        self._call = unpack.get_concrete_function()

    def predict(self, columns: Mapping[str, RawColumn]) -> Columns:
        """The outputs for columns that are float64 or objects `str`."""
        packed = {
            "numbers": _matrix(columns, self._numbers, np.dtype(np.float64)),
            "texts": _matrix(columns, self._texts, np.dtype(object)),
            **{_key(name): columns[name] for name in self._wide},
        }
        return in_batches(self._call, packed)


def _key(name: str) -> str:
    return f"wide {name}"


def _matrix(columns: Mapping[str, RawColumn], names: list[str], dtype: np.dtype[Any]) -> RawColumn:
    n_rows = len(next(iter(columns.values())))
    matrix = np.empty((n_rows, len(names)), dtype)
    for position, name in enumerate(names):
        matrix[:, position] = columns[name]
    return matrix
