"""A served model for few rows: their columns enter TensorFlow as two arrays.

A tensor for each column, made and checked in Python, takes longer than the graph does for a single row.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.export.assemble import Columns, Raw, in_batches


class Packed:
    """Calls a serving function through another that takes numbers and texts as a matrix each, wide columns as they are.

    Args:
        serve: From raw columns to outputs.
        inputs: What a manifest says of the columns: `dtype` and `shape` of each.
    """

    def __init__(self, serve: Callable[..., Any], inputs: Mapping[str, Mapping[str, Any]]) -> None:
        self._wide = [name for name, about in inputs.items() if len(about["shape"]) == 2]
        plain = {name: about["dtype"] == "string" for name, about in inputs.items() if name not in self._wide}
        self._texts = [name for name, is_text in plain.items() if is_text]
        self._numbers = [name for name, is_text in plain.items() if not is_text]
        specs = {
            "numbers": tf.TensorSpec((None, len(self._numbers)), tf.float64),
            "texts": tf.TensorSpec((None, len(self._texts)), tf.string),
            **{_key(name): tf.TensorSpec((None, inputs[name]["shape"][1]), tf.float64) for name in self._wide},
        }

        @tf.function(input_signature=[specs], autograph=False)
        def unpack(packed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            columns = {name: packed[_key(name)] for name in self._wide}
            for names, part in ((self._numbers, "numbers"), (self._texts, "texts")):
                columns |= zip(names, tf.unstack(packed[part], num=len(names), axis=1), strict=True)
            return serve(columns)

        self._call = unpack.get_concrete_function()

    def predict(self, columns: Mapping[str, Raw]) -> Columns:
        """The outputs for columns that are float64 or objects `str`."""
        packed = {
            "numbers": _matrix(columns, self._numbers, np.dtype(np.float64)),
            "texts": _matrix(columns, self._texts, np.dtype(object)),
            **{_key(name): columns[name] for name in self._wide},
        }
        return in_batches(self._call, packed)


def _key(name: str) -> str:
    return f"wide {name}"


def _matrix(columns: Mapping[str, Raw], names: list[str], dtype: np.dtype[Any]) -> Raw:
    n_rows = len(next(iter(columns.values())))
    matrix = np.empty((n_rows, len(names)), dtype)
    for position, name in enumerate(names):
        matrix[:, position] = columns[name]
    return matrix
