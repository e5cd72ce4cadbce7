"""Regression metrics per epoch in the target's original units, although the network is trained on scaled targets."""

import abc
from typing import Any

import keras
from keras import ops


class _OriginalUnits(keras.metrics.Metric):
    """Mean over outputs of each output's error in its original unit.

    Args:
        scale: `(n_outputs,)`, original units per scaled unit; a variable if it can change later.
        name: Name in the logs.
    """

    def __init__(self, scale: Any, name: str) -> None:
        super().__init__(name=name)
        self._scale = scale
        self._sum = self.add_variable(scale.shape, "zeros", name="sum")
        self._weight = self.add_variable((), "zeros", name="weight")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: `y_true` and `y_pred` `(n_rows, n_outputs)` in scaled units, weights `(n_rows,)`."""
        error = self._error(y_pred - y_true)
        weight = ops.ones_like(error[:, 0]) if sample_weight is None else ops.reshape(sample_weight, (-1,))
        self._sum.assign_add(ops.sum(error * ops.expand_dims(weight, 1), axis=0))
        self._weight.assign_add(ops.sum(weight))

    @abc.abstractmethod
    def _error(self, difference: Any) -> Any:
        """Returns the error of each row and output, in scaled units."""

    def _mean(self) -> Any:
        return ops.divide_no_nan(self._sum, self._weight)


class RootMeanSquaredError(_OriginalUnits):
    """Root of the mean squared error, per output, then their mean."""

    def _error(self, difference: Any) -> Any:
        return ops.square(difference)

    def result(self) -> Any:
        """Returns a scalar in original units."""
        return ops.mean(ops.sqrt(self._mean()) * self._scale)


class MeanAbsoluteError(_OriginalUnits):
    """Mean absolute error, per output, then their mean."""

    def _error(self, difference: Any) -> Any:
        return ops.abs(difference)

    def result(self) -> Any:
        """Returns a scalar in original units."""
        return ops.mean(self._mean() * self._scale)
