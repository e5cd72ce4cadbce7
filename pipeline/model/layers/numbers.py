"""Learned embeddings of numbers (Gorishniy, Rubachev and Babenko 2022)."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.model.layers.initializers import uniform


class NumberEmbeddings(keras.layers.Layer):
    """Replaces some columns by vectors of equal width, which come last; the other columns are unchanged.

    Args:
        columns: Positions of the columns that are embedded.
        width: Length of a column's vector.

    Call arguments:
        inputs: `(n_rows, n_inputs)`.

    Returns:
        `(n_rows, n_inputs - len(columns) + len(columns) * width)`.
    """

    def __init__(self, columns: Sequence[int], width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns, self.width = [int(column) for column in columns], width

    @abc.abstractmethod
    def embed(self, x: Any, weights: Sequence[Any]) -> Any:
        """Maps `(..., len(columns), n_rows)` to `(..., len(columns), n_rows, width)`.

        Args:
            x: The columns.
            weights: Of the layer, in the order of `self.weights`, with the same leading dimensions as `x`.
        """

    def call(self, inputs: Any) -> Any:
        """Embeds the columns."""
        return self.apply(inputs, self.weights)

    def apply(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Embeds the columns with given weights; the layer need not be built.

        Args:
            inputs: `(..., n_rows, n_inputs)`.
            weights: In the order of `self.weights`, with the same leading dimensions.
        """
        *lead, _, n_inputs = inputs.shape
        rows, last = len(lead), len(lead) + 1  # axes
        taken = set(self.columns)
        others = [column for column in range(n_inputs) if column not in taken]
        x = ops.take(inputs, np.array(self.columns, np.int32), axis=last)
        vectors = self.embed(ops.transpose(x, (*range(rows), last, rows)), weights)
        vectors = ops.transpose(vectors, (*range(rows), last, rows, last + 1))
        flat = ops.reshape(vectors, (*lead, -1, len(self.columns) * self.width))
        if not others:
            return flat
        return ops.concatenate([ops.take(inputs, np.array(others, np.int32), axis=last), flat], axis=last)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int]:
        """Returns the width of the unchanged columns and the vectors."""
        return input_shape[0], (input_shape[1] or 0) + len(self.columns) * (self.width - 1)

    def lengths(self, before: Sequence[int]) -> list[int]:
        """Returns the lengths of the output vectors, given those of the inputs; a plain number has length 1."""
        taken = set(self.columns)
        return [one for column, one in enumerate(before) if column not in taken] + [self.width] * len(self.columns)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "columns": self.columns, "width": self.width}


@keras.saving.register_keras_serializable("pipeline")
class PiecewiseLinear(NumberEmbeddings):
    """Version B of the piecewise-linear embedding: a linear term, and a term of the bins that starts at zero.

    A bin's coordinate rises from 0 at its lower edge to 1 at its upper edge, and is constant outside.

    Args:
        columns: Positions of the columns that are embedded.
        width: Length of a column's vector.
        edges: Ascending edges of each column: one more than the number of bins.
    """

    def __init__(self, columns: Sequence[int], width: int, edges: Sequence[Sequence[float]], **kwargs: Any) -> None:
        super().__init__(columns, width, **kwargs)
        self.edges = [[float(edge) for edge in column] for column in edges]
        most = max(map(len, self.edges)) - 1
        # Columns with fewer bins are padded with infinitely wide ones, whose coordinate is 0.
        lower = np.zeros((len(edges), 1, most), np.float32)
        inverse = np.zeros((len(edges), 1, most), np.float32)
        for column, own in enumerate(self.edges):
            lower[column, 0, : len(own) - 1] = own[:-1]
            inverse[column, 0, : len(own) - 1] = 1 / np.diff(own)
        self._lower, self._inverse = lower, inverse

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the weights; those of the linear term are uniform within 1 / sqrt(width)."""
        n, bins = len(self.columns), self._lower.shape[2]
        self.add_weight(shape=(n, 1, self.width), initializer=uniform(self.width), name="slopes")
        self.add_weight(shape=(n, 1, self.width), initializer=uniform(self.width), name="biases")
        self.add_weight(shape=(n, bins, self.width), initializer="zeros", name="bins")

    def embed(self, x: Any, weights: Sequence[Any]) -> Any:
        """Adds the linear term and the coordinates times the vectors of the bins."""
        slopes, biases, bins = weights
        x = ops.expand_dims(x, -1)
        coordinates = ops.clip((x - self._lower) * self._inverse, 0.0, 1.0)
        return x * slopes + biases + ops.matmul(coordinates, bins)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "edges": self.edges}


@keras.saving.register_keras_serializable("pipeline")
class Periodic(NumberEmbeddings):
    """`relu(linear([x, cos 2π(w x + b)]))`, frequencies and phases learned (Gorishniy et al. 2022; Holzmüller 2024).

    Args:
        columns: Positions of the columns that are embedded.
        width: Length of a column's vector.
        frequencies: Number of frequencies per column.
        scale: Standard deviation of the initial frequencies.
    """

    def __init__(self, columns: Sequence[int], width: int, frequencies: int, scale: float, **kwargs: Any) -> None:
        super().__init__(columns, width, **kwargs)
        self.frequencies, self.scale = frequencies, scale

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the weights: normal frequencies, and phases uniform over a period."""
        n, given = len(self.columns), self.frequencies + 1
        normal, phases = keras.initializers.RandomNormal(stddev=self.scale), keras.initializers.RandomUniform(-0.5, 0.5)
        self.add_weight(shape=(n, 1, self.frequencies), initializer=normal, name="frequencies")
        self.add_weight(shape=(n, 1, self.frequencies), initializer=phases, name="phases")
        self.add_weight(shape=(n, given, self.width), initializer=uniform(given), name="waves")
        self.add_weight(shape=(n, 1, self.width), initializer=uniform(given), name="biases")

    def embed(self, x: Any, weights: Sequence[Any]) -> Any:
        """Applies a dense layer of the column to the number and its cosines."""
        frequencies, phases, kernel, biases = weights
        x = ops.expand_dims(x, -1)
        waves = ops.cos(2 * np.pi * (x * frequencies + phases))
        return ops.relu(ops.matmul(ops.concatenate([x, waves], axis=-1), kernel) + biases)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "frequencies": self.frequencies, "scale": self.scale}


@keras.saving.register_keras_serializable("pipeline")
class Cosine(NumberEmbeddings):
    """`a ⊙ [x, cos 2π(w x + b)] + c`, where a starts at 0, so that the embedding grows during training.

    c does not start at 0: a relu layer with zero biases after it would return 0 for every row, and never learn.

    Args:
        columns: Positions of the columns that are embedded.
        width: Length of a column's vector.
        scale: Standard deviation of the initial frequencies.
    """

    def __init__(self, columns: Sequence[int], width: int, scale: float, **kwargs: Any) -> None:
        super().__init__(columns, width, **kwargs)
        self.scale = scale

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the weights: normal frequencies, and phases uniform over a period."""
        n, waves = len(self.columns), self.width - 1
        normal, phases = keras.initializers.RandomNormal(stddev=self.scale), keras.initializers.RandomUniform(-0.5, 0.5)
        self.add_weight(shape=(n, 1, waves), initializer=normal, name="frequencies")
        self.add_weight(shape=(n, 1, waves), initializer=phases, name="phases")
        self.add_weight(shape=(n, 1, self.width), initializer="zeros", name="scales")
        self.add_weight(shape=(n, 1, self.width), initializer=uniform(self.width), name="biases")

    def embed(self, x: Any, weights: Sequence[Any]) -> Any:
        """Scales the number and its cosines."""
        frequencies, phases, scales, biases = weights
        x = ops.expand_dims(x, -1)
        waves = ops.cos(2 * np.pi * (x * frequencies + phases))
        return scales * ops.concatenate([x, waves], axis=-1) + biases

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "scale": self.scale}
