"""Networks whose last layer averages members: each member is trained by its own loss, scores are of the mean."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from pipeline.model.layers.stacked_members import MeanOfMembers, MemberInputs


class ByMember(keras.Model):
    """A model trained by the mean of its members' losses, and validated by the loss of their mean.

    Without members it is an ordinary model. With members its output is `(n_rows, n_members, n_outputs)`: the averaging
    layer is left out, and applied in `compute_loss` and `compute_metrics`.
    """

    _mean: tuple[MeanOfMembers, ...] = ()  # a tuple, so that Keras does not track it as a layer of this model
    _own_rows = 0  # number of members if each has its own rows in a batch, else 0
    _trains = False  # True while a training step is traced

    @classmethod
    def of(cls, network: keras.Model, name: str) -> Any:
        """Makes the model that is trained in the network's place; the two share their layers.

        Args:
            network: A network, with or without an averaging last layer.
            name: Name of the new model.
        """
        mean = mean_of_members(network)
        if mean is None:
            return cls(network.input, network.outputs, name=name)
        made = cls(network.input, mean.input, name=name)
        object.__setattr__(made, "_mean", (mean,))
        made._own_rows = members_with_own_rows(network)
        return made

    def rows_of_step(self, numbers: Any, n_steps: Any, step: Any) -> Any:
        """Returns the row numbers of a step: one batch for all members, or one batch for each member.

        Members with their own rows take the batches of an epoch in the same cyclic order, each from a different start.

        Args:
            numbers: `(at least n_steps, n_batch)`, row numbers of each batch.
            n_steps: Number of batches.
            step: Number of the step, from 0.

        Returns:
            `(n_batch,)`, or `(n_batch * n_members,)` with the members of a row next to each other.
        """
        if not self._own_rows:
            return numbers[step]
        begin = ops.arange(self._own_rows, dtype="int32") * n_steps // self._own_rows
        return ops.reshape(ops.transpose(ops.take(numbers, (step + begin) % n_steps, axis=0)), (-1,))

    def train_step(self, data: Any) -> Any:
        """Runs Keras's training step, in which members may have their own rows."""
        self._trains = True
        try:
            return super().train_step(data)
        finally:
            self._trains = False

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Counts each row once for each member in training, with the row's weight."""
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
        """Computes metrics of the members' mean, or of each member while members train on their own rows."""
        if self._trains and self._own_rows:
            y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        else:
            for mean in self._mean:
                y_pred = mean(y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)


def mean_of_members(network: keras.Model) -> MeanOfMembers | None:
    """Returns the averaging last layer, or None if the network has no members."""
    last = network.layers[-1]
    return last if isinstance(last, MeanOfMembers) else None


def members_with_own_rows(network: Any) -> int:
    """Returns the number of members with their own rows in each batch, or 0 if members share rows."""
    if isinstance(network, MemberInputs):
        return network.n_members if network.own_rows else 0
    return max(map(members_with_own_rows, getattr(network, "layers", ())), default=0)
