"""Learned embeddings of categories (Guo and Berkhahn 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

LARGEST = 50


def width_of(n_categories: int) -> int:
    """Returns the length of a category's vector: 1.6 n^0.56, at most 50 (Howard and Gugger 2020, fastai)."""
    return min(LARGEST, round(1.6 * n_categories**0.56))


@keras.saving.register_keras_serializable("pipeline")
class CategoryEmbeddings(keras.layers.Layer):
    """Replaces the last columns, which hold category numbers, by vectors.

    Args:
        n_categories: Number of categories in each of the last columns.

    Call arguments:
        inputs: `(n_rows, n_numbers + len(n_categories))`.

    Returns:
        `(n_rows, n_numbers + the widths of all vectors)`.
    """

    def __init__(self, n_categories: Sequence[int], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # bfloat16 rounds 257 to 256
        self.n_categories = list(n_categories)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes a table of vectors per column, with entries of standard deviation 1 / sqrt(length)."""
        self._tables = [
            self.add_weight(
                shape=(n, width_of(n)),
                initializer=keras.initializers.RandomNormal(stddev=width_of(n) ** -0.5),
                dtype="float32",
                name=f"embedding_{number}",
            )
            for number, n in enumerate(self.n_categories)
        ]

    def call(self, inputs: Any) -> Any:
        """Looks up the vectors of the categories."""
        return self.apply(inputs, self._tables)

    def apply(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Looks up the vectors of the categories in given tables; the layer need not be built.

        Args:
            inputs: `(..., n_rows, n_inputs)`.
            weights: Tables, in the order of `self.weights`, with the same leading dimensions.
        """
        first = inputs.shape[-1] - len(self.n_categories)
        parts = [inputs[..., :first]]
        for number, table in enumerate(weights):
            parts.append(_vectors(table, ops.cast(inputs[..., first + number], "int32")))
        return ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int]:
        """Returns the width of the numbers and the vectors."""
        width = sum(width_of(n) for n in self.n_categories)
        return input_shape[0], (input_shape[1] or 0) - len(self.n_categories) + width

    def lengths(self, before: Sequence[int]) -> list[int]:
        """Returns the lengths of the output vectors, given those of the inputs; a plain number has length 1."""
        return [*before[: -len(self.n_categories)], *map(width_of, self.n_categories)]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "n_categories": self.n_categories}


def _vectors(table: Any, categories: Any) -> Any:
    """Looks up vectors `(..., n_rows, width)` in tables `(..., n, width)`.

    The gradient of a reshaped table is dense. Otherwise it would be the list of the rows' gradients, and Keras's
    optimizers square each of them before they add those of equal categories.
    """
    *lead, n, width = table.shape
    if lead:
        first = n * np.arange(math.prod(lead), dtype=np.int32)  # row of each table
        categories = categories + first.reshape(*lead, 1)
    return ops.take(ops.reshape(table, (-1, width)), categories, axis=0)
