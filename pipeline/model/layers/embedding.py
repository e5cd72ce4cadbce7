"""Categories as vectors that are learned with the network (Guo and Berkhahn 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

LARGEST = 50


def width_of(n_categories: int) -> int:
    """Length of a category's vector: 1.6 n^0.56, at most 50 (the rule of Howard and Gugger 2020, fastai)."""
    return min(LARGEST, round(1.6 * n_categories**0.56))


@keras.saving.register_keras_serializable("pipeline")
class CategoryEmbeddings(keras.layers.Layer):
    """Replaces the last columns, which hold numbers of categories, by their vectors.

    Args:
        n_categories: Of each of the last columns.

    Call arguments:
        inputs: `(n_rows, n_numbers + len(n_categories))`.

    Returns:
        `(n_rows, n_numbers + the widths of all vectors)`.
    """

    def __init__(self, n_categories: Sequence[int], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # in bfloat16, 257 is 256
        self.n_categories = list(n_categories)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes a table of vectors per column; their entries have a deviation of one over the root of their length."""
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
        """Looks the vectors up."""
        first = inputs.shape[-1] - len(self.n_categories)
        parts = [inputs[:, :first]]
        for number, table in enumerate(self._tables):
            parts.append(ops.take(table, ops.cast(inputs[:, first + number], "int32"), axis=0))
        return ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int]:
        """The numbers and the vectors."""
        width = sum(width_of(n) for n in self.n_categories)
        return input_shape[0], (input_shape[1] or 0) - len(self.n_categories) + width

    def lengths(self, before: Sequence[int]) -> list[int]:
        """Of the vectors of its outputs, from those of its inputs; a number by itself has length 1."""
        return [*before[: -len(self.n_categories)], *map(width_of, self.n_categories)]

    def get_config(self) -> dict[str, Any]:
        """For copies of the layer."""
        return {**super().get_config(), "n_categories": self.n_categories}
