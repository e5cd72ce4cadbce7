"""Layers of networks that train as one and share most weights (Gorishniy, Kotelnikov and Babenko 2025).

The rows of all members are stacked, `(n_rows * n_members, n)`, so that a shared layer is a single matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.model.layers.initializers import uniform


@keras.saving.register_keras_serializable("pipeline")
class MemberInputs(keras.layers.Layer):
    """Repeats the inputs for each member, and multiplies each input by the member's own scale.

    Args:
        n_members: Number of members.
        initializer: Initializer of the scales; None does not scale.
        own_rows: Whether each member trains on its own rows.

    Call arguments:
        inputs: `(n_rows, n_inputs)`; in training with `own_rows` `(n_rows * n_members, n_inputs)`.

    Returns:
        `(n_rows * n_members, n_inputs)`.
    """

    def __init__(self, n_members: int, initializer: Any, own_rows: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_members, self.initializer, self.own_rows = n_members, keras.initializers.get(initializer), own_rows

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the scales."""
        if self.initializer is not None:
            shape = (1, self.n_members, input_shape[-1])
            self._scales = self.add_weight(shape=shape, initializer=self.initializer, name="scales")

    def start_by_vector(self, lengths: Sequence[int]) -> None:
        """Initializes all inputs of one column's vector with the same scale.

        Args:
            lengths: Lengths of the vectors, in the order of the inputs; 1 for a plain input.
        """
        if self.initializer is not None:
            firsts = np.cumsum([0, *lengths[:-1]])
            self._scales.assign(np.repeat(ops.convert_to_numpy(self._scales)[..., firsts], lengths, axis=-1))

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Repeats each row for each member unless members have their own rows, and scales."""
        is_apart = training and self.own_rows
        if self.initializer is None:
            return inputs if is_apart else ops.repeat(inputs, self.n_members, axis=0)
        apart = ops.reshape(inputs, (-1, self.n_members if is_apart else 1, inputs.shape[-1]))
        return ops.reshape(apart * self._scales, (-1, inputs.shape[-1]))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int | None]:
        """Returns a shape as wide as the inputs."""
        return None, input_shape[-1]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        initializer = None if self.initializer is None else keras.initializers.serialize(self.initializer)
        own = {"n_members": self.n_members, "initializer": initializer, "own_rows": self.own_rows}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("pipeline")
class MemberScale(keras.layers.Layer):
    """Multiplies each value by the member's scale and adds its bias: BatchEnsemble (Wen, Tran and Ba 2020).

    Args:
        n_members: Number of members.
        use_bias: Whether to add a bias.

    Call arguments:
        inputs: `(n_rows * n_members, n)`.

    Returns:
        The same shape.
    """

    def __init__(self, n_members: int, use_bias: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_members, self.use_bias = n_members, use_bias

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes scales of one and biases of zero."""
        shape = (1, self.n_members, input_shape[-1])
        self._scales = self.add_weight(shape=shape, initializer="ones", name="scales")
        if self.use_bias:
            self._biases = self.add_weight(shape=shape, initializer="zeros", name="biases")

    def call(self, inputs: Any) -> Any:
        """Applies the scales and biases of each member to its rows."""
        apart = ops.reshape(inputs, (-1, self.n_members, inputs.shape[-1])) * self._scales
        return ops.reshape(apart + self._biases if self.use_bias else apart, (-1, inputs.shape[-1]))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "n_members": self.n_members, "use_bias": self.use_bias}


class _MemberKernels(keras.layers.Layer):
    """A separate dense layer for each member, with stacked kernels `(n_members, n, units)`."""

    def __init__(self, n_members: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_members, self.units = n_members, units

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the weights, uniform within 1 / sqrt(inputs of a member), as PyTorch does."""
        n_inputs = input_shape[-1]
        assert n_inputs is not None
        shape = (self.n_members, n_inputs, self.units)
        self._kernels = self.add_weight(shape=shape, initializer=uniform(n_inputs), name="kernels")
        own = (1, self.n_members, self.units)
        self._biases = self.add_weight(shape=own, initializer=uniform(n_inputs), name="biases")

    def products(self, inputs: Any) -> Any:
        """Maps `(n_rows * n_members, n)` to `(n_rows, n_members, units)`."""
        apart = ops.reshape(inputs, (-1, self.n_members, inputs.shape[-1]))
        if self.units == 1:  # a sum is faster than a product with one column, and int8 does not quantize it
            found = ops.sum(apart * ops.expand_dims(self._kernels[:, :, 0], 0), axis=-1, keepdims=True)
        else:
            found = ops.transpose(ops.matmul(ops.transpose(apart, (1, 0, 2)), self._kernels), (1, 0, 2))
        return found + self._biases

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "n_members": self.n_members, "units": self.units}


@keras.saving.register_keras_serializable("pipeline")
class MemberDense(_MemberKernels):
    """A separate dense layer for each member.

    Args:
        n_members: Number of members.
        units: Outputs of each member's layer.

    Call arguments:
        inputs: `(n_rows * n_members, n)`.

    Returns:
        `(n_rows * n_members, units)`.
    """

    def call(self, inputs: Any) -> Any:
        """Multiplies each member's rows by its own kernel."""
        return ops.reshape(self.products(inputs), (-1, self.units))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int]:
        """Returns the shape: as many rows as the inputs."""
        return input_shape[0], self.units


@keras.saving.register_keras_serializable("pipeline")
class MemberOutputs(_MemberKernels):
    """A separate output layer for each member.

    Args:
        n_members: Number of members.
        units: Outputs of the network.
        activation: Activation of the outputs.

    Call arguments:
        inputs: `(n_rows * n_members, n)`.

    Returns:
        `(n_rows, n_members, units)`.
    """

    def __init__(self, n_members: int, units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(n_members, units, **kwargs)
        self.activation = keras.activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Returns the outputs of all members."""
        return self.activation(self.products(inputs))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int, int]:
        """Returns the shape `(n_rows, n_members, units)`."""
        return None, self.n_members, self.units

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}


@keras.saving.register_keras_serializable("pipeline")
class MeanOfMembers(keras.layers.Layer):
    """The mean of the members' predictions; for classes, the logits of their mean probabilities.

    Args:
        task: `regression`, `binary` or `multiclass`.

    Call arguments:
        inputs: `(n_rows, n_members, n_outputs)`: scaled predictions, or logits.

    Returns:
        `(n_rows, n_outputs)`. For several classes the logits are the logarithms of the probabilities.
    """

    def __init__(self, task: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task = task

    def call(self, inputs: Any) -> Any:
        """Averages probabilities in log space, which stays exact near 0 and 1."""
        if self.task == "regression":
            return ops.mean(inputs, axis=1)
        if self.task == "binary":
            return _log_mean_exp(ops.log_sigmoid(inputs)) - _log_mean_exp(ops.log_sigmoid(-inputs))
        return _log_mean_exp(ops.log_softmax(inputs, axis=-1))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int | None]:
        """Returns the shape without the members."""
        return input_shape[0], input_shape[2]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild the layer."""
        return {**super().get_config(), "task": self.task}


@keras.saving.register_keras_serializable("pipeline")
class SpreadOfMembers(keras.layers.Layer):
    """The standard deviation of the members' predictions.

    Call arguments:
        inputs: `(n_rows, n_members, n_outputs)`: scaled predictions.

    Returns:
        `(n_rows, n_outputs)`.
    """

    def call(self, inputs: Any) -> Any:
        """Returns the root mean square of the members' distances from their mean."""
        return ops.sqrt(ops.mean(ops.square(inputs - ops.mean(inputs, axis=1, keepdims=True)), axis=1))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, int | None]:
        """Returns the shape without the members."""
        return input_shape[0], input_shape[2]


def _log_mean_exp(logarithms: Any) -> Any:
    return ops.logsumexp(logarithms, axis=1) - math.log(logarithms.shape[1])
