"""Dense networks of one shape as one network with stacked weights, `(n_members, ...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.packed import threefry
from pipeline.fit.variable_clone import LEVELS, threefry_seed

PLAIN = (keras.layers.InputLayer, keras.layers.Dense, keras.layers.Activation, keras.layers.Dropout)


@dataclass
class DenseLayer:
    """A Dense layer of a network, with its activation and dropout."""

    dense: keras.layers.Dense
    activations: list[Callable[[Any], Any]]
    dropout: keras.layers.Dropout | None = None


def dense_layers(network: keras.Model) -> list[DenseLayer] | None:
    """Returns the layers of a network that is a plain stack of dense layers; None for any other."""
    found: list[DenseLayer] = []
    fits = [type(layer) in PLAIN and len(layer._inbound_nodes) == 1 and _add(found, layer) for layer in network.layers]
    return found if found and all(fits) else None


def _add(found: list[DenseLayer], layer: keras.layers.Layer) -> bool:
    """Adds a layer to the preceding ones; returns whether it fits."""
    if isinstance(layer, keras.layers.InputLayer):
        return not found
    if isinstance(layer, keras.layers.Dense):
        found.append(DenseLayer(layer, [layer.activation]))
        return layer.use_bias and not layer.bias_regularizer and not layer.activity_regularizer
    if not found or found[-1].dropout is not None:
        return False
    if isinstance(layer, keras.layers.Dropout):
        found[-1].dropout = layer
    else:
        found[-1].activations.append(layer.activation)
    return True


@dataclass(frozen=True)
class Values:
    """What members of one shape have of their own beside their weights: a number each, or one for each layer."""

    rate: Any  # (n_members,), before the schedule
    decay: Any  # (n_members,)
    dropped: Any  # (n_members, n_layers): of LEVELS, how many of the numbers drawn drop a unit
    seeds: Any  # (n_members, n_layers) uint32, of dropout
    l1: Any  # (n_members, n_layers)
    l2: Any  # (n_members, n_layers)
    order: Any  # (n_members,) int32: which of the orders of the rows it takes

    def of(self, members: np.ndarray) -> Values:
        """Those of some members."""
        return Values(*(value[members] for value in vars(self).values()))

    @property
    def n_seeds(self) -> int:
        """How many members have other seeds than all before them."""
        return len(np.unique(self.seeds, axis=0))

    def placed(self, dtype: tf.DType, n_seeds: int) -> dict[str, tf.Tensor]:
        """As tensors, by name; where members share seeds, each is there once, and `seed` says which is a member's.

        Args:
            dtype: Of what is not a whole number.
            n_seeds: Rows of seeds, at least `self.n_seeds`: parts with equally many share what is compiled.
        """
        seeds, seed = self.seeds, np.arange(len(self.seeds))
        if n_seeds < len(seeds):
            distinct, seed = np.unique(seeds, axis=0, return_inverse=True)
            seeds = np.resize(distinct, (n_seeds, seeds.shape[1]))
        arrays = vars(self) | {"seeds": seeds, "seed": seed.reshape(-1).astype(np.int32)}
        return {name: tf.constant(value, None if value.dtype.kind in "iu" else dtype) for name, value in arrays.items()}


def values_of(
    networks: Sequence[Sequence[DenseLayer]], rates: Sequence[float], decays: Sequence[float], order: Sequence[int]
) -> Values:
    """Returns the values of networks.

    Args:
        networks: Layers of each network.
        rates: Learning rates.
        decays: Weight decays.
        order: Index of the row order of each network.
    """
    drops = [[_dropout(layer) for layer in layers] for layers in networks]
    strengths = [[_strengths(layer.dense.kernel_regularizer) for layer in layers] for layers in networks]
    rate = np.array([[one[0] for one in of_layers] for of_layers in drops])
    l1_l2 = np.array(strengths)
    return Values(
        rate=np.array(rates),
        decay=np.array(decays),
        dropped=np.minimum(np.round(rate * LEVELS), LEVELS - 1),
        seeds=np.array([[one[1] for one in of_layers] for of_layers in drops], np.uint32),
        l1=l1_l2[..., 0],
        l2=l1_l2[..., 1],
        order=np.array(order, np.int32),
    )


def _dropout(layer: DenseLayer) -> tuple[float, int]:
    if layer.dropout is None or not layer.dropout.rate:
        return 0.0, 0
    return layer.dropout.rate, int(layer.dropout.seed_generator.state.numpy()[0]) % 2**32


def _strengths(penalty: Any) -> tuple[float, float]:
    return float(getattr(penalty, "l1", 0.0)), float(getattr(penalty, "l2", 0.0))


def stacked(networks: Sequence[Sequence[DenseLayer]]) -> list[np.ndarray]:
    """Stacks the weights: kernel `(n_members, n_in, n_out)` and bias `(n_members, 1, n_out)` of each layer in turn."""
    found = []
    for layers in zip(*networks, strict=True):
        found.append(np.stack([layer.dense.kernel.numpy() for layer in layers]))
        found.append(np.stack([layer.dense.bias.numpy() for layer in layers])[:, np.newaxis])
    return found


def of_member(weights: Sequence[np.ndarray], member: int) -> list[np.ndarray]:
    """Returns the weights of one member in the shape of its network.

    Args:
        weights: Stacked weights.
        member: Index of the member.
    """
    return [weight[member] if number % 2 == 0 else weight[member, 0] for number, weight in enumerate(weights)]


@dataclass(frozen=True)
class Network:
    """The forward function of stacked weights."""

    activations: tuple[tuple[Callable[[Any], Any], ...], ...]  # of each layer, one after the other
    drops: tuple[bool, ...]  # whether any member drops units of a layer's outputs
    has_l1: bool
    has_l2: bool

    @classmethod
    def of(cls, layers: Sequence[DenseLayer], values: Values) -> Network:
        """That of members with such layers and values."""
        activations = tuple(tuple(layer.activations) for layer in layers)
        return cls(
            activations, tuple((values.dropped > 0).any(0).tolist()), bool(values.l1.any()), bool(values.l2.any())
        )

    def __call__(self, weights: Sequence[Any], x: Any, dropping: Dropping | None = None) -> Any:
        """Computes outputs `(n_members, n_rows, n_outputs)` of rows `(n_members or 1, n_rows, n_inputs)`."""
        for number, activations in enumerate(self.activations):
            x = tf.matmul(x, weights[2 * number]) + weights[2 * number + 1]
            for activation in activations:
                x = activation(x)
            if dropping is not None and self.drops[number]:
                x = dropping(x, number)
        return x

    def penalty(self, weights: Sequence[Any], values: dict[str, Any]) -> Any:
        """What L1 and L2 add to each member's loss, `(n_members,)`."""
        return sum(self._penalties(weights, values), tf.zeros_like(values["rate"]))

    def _penalties(self, weights: Sequence[Any], values: dict[str, Any]) -> Iterator[Any]:
        for number, kernel in enumerate(weights[::2]):
            if self.has_l1:
                yield values["l1"][:, number] * sum_of_each(tf.abs(kernel))
            if self.has_l2:
                yield values["l2"][:, number] * sum_of_each(tf.square(kernel))


def sum_of_each(stacked: Any) -> Any:
    """`(n_members,)` sums of `(n_members, n, m)`: axis by axis, as XLA's code for a CPU is not vectorized over both."""
    return tf.reduce_sum(tf.reduce_sum(stacked, axis=1), axis=1)


@dataclass(frozen=True)
class Dropping:
    """Dropout of one step; each member drops the units that it would drop alone."""

    values: dict[str, Any]
    count: Any  # of the numbers that the layers' generators have drawn, int64

    def __call__(self, x: Any, layer: int) -> Any:
        """Drops units of outputs `(n_members, n_rows, units)`."""
        n_members, n_rows, units = x.shape
        pairs = threefry.bits(threefry_seed(self.values["seeds"][:, layer], self.count), (n_rows * units + 1) // 2)
        if pairs.shape[0] < n_members:
            pairs = tf.gather(pairs, self.values["seed"])
        halves = tf.stack(
            [pairs & tf.constant(LEVELS - 1, tf.uint32), tf.bitwise.right_shift(pairs, tf.constant(16, tf.uint32))],
            axis=2,
        )
        drawn = tf.reshape(tf.reshape(halves, [n_members, -1])[:, : n_rows * units], x.shape)
        dropped = tf.reshape(self.values["dropped"][:, layer], [-1, 1, 1])
        scale = tf.cast(LEVELS, x.dtype) / (tf.cast(LEVELS, x.dtype) - dropped)
        return tf.where(tf.cast(drawn, x.dtype) >= dropped, x * scale, tf.zeros([], x.dtype))
