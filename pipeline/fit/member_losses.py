"""Networks whose last layer averages members: in training each member has its own loss, scores are of their mean."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from pipeline.model.layers.stacked_members import MeanOfMembers, MemberInputs


class ByMember(keras.Model):
    """A model whose training loss is the mean of its members' losses; that of validation is the loss of their mean.

    Of a network without members it is an ordinary model. What a network of members gives here is `(n_rows, n_members,
    n_outputs)`: its last layer is left out, and done where it belongs.
    """

    _mean: tuple[MeanOfMembers, ...] = ()  # in a tuple Keras takes it for no layer of this model
    _own_rows = 0  # members of which each has rows of its own in a batch
    _trains = False  # while a training step is traced

    @classmethod
    def of(cls, network: keras.Model, name: str) -> Any:
        """The model that is trained in the network's place; it shares its layers."""
        mean = mean_of_members(network)
        if mean is None:
            return cls(network.input, network.outputs, name=name)
        made = cls(network.input, mean.input, name=name)
        object.__setattr__(made, "_mean", (mean,))
        made._own_rows = members_with_own_rows(network)
        return made

    def rows_of_step(self, numbers: Any, n_steps: Any, step: Any) -> Any:
        """The numbers of the rows that a step takes: those of a batch, or of one for each member with rows of its own.

        Members with rows of their own go through the batches of an epoch in the same order, each from another place.

        Args:
            numbers: `(at least n_steps, n_batch)`.
            n_steps: Batches to go through.
            step: Which of them is next, from 0.

        Returns:
            `(n_batch,)`, or `(n_batch * n_members,)`, a row's members beside each other.
        """
        if not self._own_rows:
            return numbers[step]
        begin = ops.arange(self._own_rows, dtype="int32") * n_steps // self._own_rows
        return ops.reshape(ops.transpose(ops.take(numbers, (step + begin) % n_steps, axis=0)), (-1,))

    def train_step(self, data: Any) -> Any:
        """Keras's own; the rows may be the members' own."""
        self._trains = True
        try:
            return super().train_step(data)
        finally:
            self._trains = False

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """In training each row counts once for each member, by its own weight."""
        if self._mean and training:
            n_members, n_outputs = y_pred.shape[1:]
            y_pred = ops.reshape(y_pred, (-1, n_outputs))
            if not self._own_rows:
                y = ops.repeat(y, n_members, axis=0)
                sample_weight = None if sample_weight is None else ops.repeat(sample_weight, n_members, axis=0)
        elif self._mean:
            y_pred = self._mean[0](y_pred)
        return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Of the members' mean; while members with rows of their own train, of each of them."""
        if self._trains and self._own_rows:
            y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        else:
            for mean in self._mean:
                y_pred = mean(y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)


def mean_of_members(network: keras.Model) -> MeanOfMembers | None:
    """The last layer of a network of members."""
    last = network.layers[-1]
    return last if isinstance(last, MeanOfMembers) else None


def members_with_own_rows(network: Any) -> int:
    """How many members have rows of their own in each batch; 0 where they share them."""
    if isinstance(network, MemberInputs):
        return network.n_members if network.own_rows else 0
    return max(map(members_with_own_rows, getattr(network, "layers", ())), default=0)
