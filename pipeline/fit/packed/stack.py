"""Dense networks as one network with stacked weights, `(n_members, ...)`, padded to the largest depth and widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.packed.dropout import Dropping
from pipeline.fit.variable_clone import LEVELS

PLAIN = (keras.layers.InputLayer, keras.layers.Dense, keras.layers.Activation, keras.layers.Dropout)


@dataclass
class DenseLayer:
    """A Dense layer of a network, with its activation and dropout."""

    dense: keras.layers.Dense
    activations: list[Callable[[Any], Any]]
    dropout: keras.layers.Dropout | None = None


Aligned = Sequence[DenseLayer | None]  # None: a layer that only deeper networks of the pack have


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
    """What members of a pack have of their own beside their weights: a number each, or one for each layer."""

    rate: Any  # (n_members,), before the schedule
    decay: Any  # (n_members,)
    dropped: Any  # (n_members, n_layers): of LEVELS, how many of the numbers drawn drop a unit
    seeds: Any  # (n_members, n_layers) uint32, of dropout
    l1: Any  # (n_members, n_layers)
    l2: Any  # (n_members, n_layers)
    order: Any  # (n_members,) int32: which of the orders of the rows it takes
    units: Any  # (n_members, n_layers) int32: outputs of each layer; 0 of a layer that it lacks

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
    networks: Sequence[Aligned], rates: Sequence[float], decays: Sequence[float], order: Sequence[int]
) -> Values:
    """Returns the values of networks.

    Args:
        networks: Layers of each network, as `aligned` returns them.
        rates: Learning rates.
        decays: Weight decays.
        order: Index of the row order of each network.
    """
    drops = [[_dropout(layer) for layer in layers] for layers in networks]
    strengths = [[_strengths(layer) for layer in layers] for layers in networks]
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
        units=np.array([[layer.dense.units if layer else 0 for layer in layers] for layers in networks], np.int32),
    )


def _dropout(layer: DenseLayer | None) -> tuple[float, int]:
    if layer is None or layer.dropout is None or not layer.dropout.rate:
        return 0.0, 0
    return layer.dropout.rate, int(layer.dropout.seed_generator.state.numpy()[0]) % 2**32


def _strengths(layer: DenseLayer | None) -> tuple[float, float]:
    penalty = layer and layer.dense.kernel_regularizer
    return float(getattr(penalty, "l1", 0.0)), float(getattr(penalty, "l2", 0.0))


def aligned(networks: Sequence[Sequence[DenseLayer]]) -> list[Aligned]:
    """Aligns hidden layers by their number, and output layers; None stands for hidden layers that a network lacks."""
    depth = max(map(len, networks))
    return [[*layers[:-1], *[None] * (depth - len(layers)), layers[-1]] for layers in networks]


def stacked(networks: Sequence[Aligned]) -> list[np.ndarray]:
    """Stacks the weights: kernel `(n_members, n_in, n_out)` and bias `(n_members, 1, n_out)` of each layer in turn.

    A layer is as large as the largest of the networks. Weights beyond a network's own are 0 and stay 0 in training: the
    outputs of padding are masked, so its gradients are 0, and no optimizer moves a weight of 0 with gradients of 0.

    Args:
        networks: Layers of each network, as `aligned` returns them.
    """
    found = []
    for layers in zip(*networks, strict=True):
        own = {member: layer.dense for member, layer in enumerate(layers) if layer}
        n_in, n_out = (max(sizes) for sizes in zip(*(dense.kernel.shape for dense in own.values()), strict=True))
        kernel, bias = (np.zeros((len(layers), n, n_out), keras.config.floatx()) for n in (n_in, 1))
        for member, dense in own.items():
            kernel[member, : dense.kernel.shape[0], : dense.units] = dense.kernel.numpy()
            bias[member, 0, : dense.units] = dense.bias.numpy()
        found += [kernel, bias]
    return found


def of_member(weights: Sequence[np.ndarray], member: int, network: keras.Model) -> list[np.ndarray]:
    """Returns the weights of one member in the shapes of its network.

    Args:
        weights: Stacked weights.
        member: Index of the member.
        network: Its network.
    """
    shapes = [variable.shape for variable in network.weights]
    own = [*weights[: len(shapes) - 2], *weights[-2:]]  # the output layer is the last
    cut = [weight[member, : (1, *shape)[-2], : shape[-1]] for weight, shape in zip(own, shapes, strict=True)]
    return [weight.reshape(shape) for weight, shape in zip(cut, shapes, strict=True)]


@dataclass(frozen=True)
class Network:
    """The forward function of stacked weights."""

    activations: tuple[tuple[Callable[[Any], Any], ...], ...]  # of each layer, one after the other
    drops: tuple[bool, ...]  # whether any member drops units of a layer's outputs
    pads: tuple[bool, ...]  # whether a layer is narrower in some members than in others
    ends: tuple[bool, ...]  # whether some members lack a layer
    has_l1: bool
    has_l2: bool

    @classmethod
    def of(cls, networks: Sequence[Aligned], values: Values) -> Network:
        """Returns the function of networks, as `aligned` returns them, with these values."""
        units = values.units
        return cls(
            tuple(tuple(next(filter(None, layers)).activations) for layers in zip(*networks, strict=True)),
            tuple((values.dropped > 0).any(0).tolist()),
            tuple(((units > 0) & (units < units.max(0))).any(0).tolist()),
            tuple((units == 0).any(0).tolist()),
            bool(values.l1.any()),
            bool(values.l2.any()),
        )

    def __call__(self, weights: Sequence[Any], x: Any, values: dict[str, Any], dropping: Dropping | None = None) -> Any:
        """Computes outputs `(n_members, n_rows, n_outputs)` of rows `(n_members or 1, n_rows, n_inputs)`."""
        n_in = weights[-2].shape[1]  # of the output layer
        last = x  # outputs of each member's last hidden layer
        for number in range(len(self.activations) - 1):
            x = self._dense(weights, x, number)
            units = tf.reshape(values["units"][:, number], [-1, 1, 1])
            if self.pads[number]:  # an activation of 0 need not be 0
                x = tf.where(tf.range(x.shape[2]) < units, x, tf.zeros([], x.dtype))
            if dropping is not None and self.drops[number]:
                x = dropping(x, number)
            last = tf.where(units > 0, _of_width(x, n_in), _of_width(last, n_in)) if self.ends[number] else x
        return self._dense(weights, last, len(self.activations) - 1)

    def _dense(self, weights: Sequence[Any], x: Any, number: int) -> Any:
        """Computes the activations of a layer."""
        kernel, bias = weights[2 * number : 2 * number + 2]
        x = tf.matmul(_of_width(x, kernel.shape[1]), kernel) + bias
        for activation in self.activations[number]:
            x = activation(x)
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


def _of_width(x: Any, width: int) -> Any:
    """Pads or cuts outputs to a width; what is cut belongs to members whose outputs are not used."""
    return tf.pad(x[..., :width], [[0, 0], [0, 0], [0, max(0, width - x.shape[2])]])


def sum_of_each(stacked: Any) -> Any:
    """`(n_members,)` sums of `(n_members, n, m)`: axis by axis, as XLA's code for a CPU is not vectorized over both."""
    return tf.reduce_sum(tf.reduce_sum(stacked, axis=1), axis=1)
