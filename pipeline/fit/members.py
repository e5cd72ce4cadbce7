"""Networks whose last layer averages members: in training each member has its own loss, scores are of their mean."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from pipeline.model.layers.members import MeanOfMembers


class ByMember(keras.Model):
    """A model whose training loss is the mean of its members' losses; that of validation is the loss of their mean.

    Of a network without members it is an ordinary model. What a network of members gives here is `(n_rows, n_members,
    n_outputs)`: its last layer is left out, and done where it belongs.
    """

    _mean: tuple[MeanOfMembers, ...] = ()  # in a tuple Keras takes it for no layer of this model

    @classmethod
    def of(cls, network: keras.Model, name: str) -> Any:
        """The model that is trained in the network's place; it shares its layers."""
        mean = mean_of_members(network)
        if mean is None:
            return cls(network.input, network.outputs, name=name)
        made = cls(network.input, mean.input, name=name)
        object.__setattr__(made, "_mean", (mean,))
        return made

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """In training each row counts once for each member, by its own weight."""
        if self._mean and training:
            n_members, n_outputs = y_pred.shape[1:]
            y_pred = ops.reshape(y_pred, (-1, n_outputs))
            y = ops.repeat(y, n_members, axis=0)
            sample_weight = None if sample_weight is None else ops.repeat(sample_weight, n_members, axis=0)
        elif self._mean:
            y_pred = self._mean[0](y_pred)
        return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Of the members' mean."""
        for mean in self._mean:
            y_pred = mean(y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)


def mean_of_members(network: keras.Model) -> MeanOfMembers | None:
    """The last layer of a network of members."""
    last = network.layers[-1]
    return last if isinstance(last, MeanOfMembers) else None
