"""Dense networks as one network with stacked weights, `(n_members, ...)`, padded to the largest depth and widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.packed.dropout import Dropping
from pipeline.fit.packed.embeddings import EmbeddingLayers, is_embedding
from pipeline.fit.variable_clone import LEVELS

PLAIN = (keras.layers.InputLayer, keras.layers.Dense, keras.layers.Activation, keras.layers.Dropout)


@dataclass
class DenseLayer:
    """A Dense layer of a network, with its activation and dropout."""

    dense: keras.layers.Dense
    activations: list[Callable[[Any], Any]]
    dropout: keras.layers.Dropout | None = None


Aligned = Sequence[DenseLayer | None]  # None: a layer that only deeper networks of the pack have


class Layers(NamedTuple):
    """The layers of a network that can be packed."""

    embeddings: list[keras.layers.Layer]  # empty if the dense layers take the inputs
    dense: list[DenseLayer]


def layers_of(network: keras.Model) -> Layers | None:
    """Returns the layers of a plain stack of dense layers, with or without embeddings; None for any other network."""
    embeddings = network.layers[1:-1]
    if not isinstance(network.layers[-1], keras.Model):
        embeddings, dense = [], _dense_layers(network)
    elif all(is_embedding(layer) and len(layer._inbound_nodes) == 1 for layer in embeddings):
        dense = _dense_layers(network.layers[-1])
    else:
        dense = None
    return None if dense is None else Layers(embeddings, dense)


def _dense_layers(network: keras.Model) -> list[DenseLayer] | None:
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
    """Returns copies of the weights of one member, in the order and the shapes of `network.weights`.

    Views of the stacked weights would keep those of all members in memory.

    Args:
        weights: Stacked weights, those of embeddings last.
        member: Index of the member.
        network: Its network.
    """
    n_embedding = sum(len(layer.weights) for layer in network.layers if is_embedding(layer))
    n_dense = len(weights) - n_embedding
    shapes = [variable.shape for variable in network.weights[n_embedding:]]
    own = [*weights[: len(shapes) - 2], *weights[n_dense - 2 : n_dense]]  # the output layer is the last
    cut = [weight[member, : (1, *shape)[-2], : shape[-1]] for weight, shape in zip(own, shapes, strict=True)]
    dense = [weight.reshape(shape) for weight, shape in zip(cut, shapes, strict=True)]
    return [weight.copy() for weight in (*(weight[member] for weight in weights[n_dense:]), *dense)]


@dataclass(frozen=True)
class Network:
    """The forward function of stacked weights: kernel and bias of each layer in turn, then those of embeddings."""

    embeddings: EmbeddingLayers
    activations: tuple[tuple[Callable[[Any], Any], ...], ...]  # of each layer, one after the other
    drops: tuple[bool, ...]  # whether any member drops units of a layer's outputs
    pads: tuple[bool, ...]  # whether a layer is narrower in some members than in others
    ends: tuple[bool, ...]  # whether some members lack a layer
    has_l1: bool
    has_l2: bool

    @classmethod
    def of(cls, networks: Sequence[Aligned], values: Values, embeddings: EmbeddingLayers) -> Network:
        """Returns the function of networks, as `aligned` returns them, with these values and embeddings."""
        units = values.units
        return cls(
            embeddings,
            tuple(tuple(next(filter(None, layers)).activations) for layers in zip(*networks, strict=True)),
            tuple((values.dropped > 0).any(0).tolist()),
            tuple(((units > 0) & (units < units.max(0))).any(0).tolist()),
            tuple((units == 0).any(0).tolist()),
            bool(values.l1.any()),
            bool(values.l2.any()),
        )

    @property
    def n_dense(self) -> int:
        """Number of weights of the dense layers."""
        return 2 * len(self.activations)

    def is_kernel(self, number: int) -> bool:
        """Whether the weight with this number is the kernel of a dense layer."""
        return number < self.n_dense and number % 2 == 0

    def __call__(self, weights: Sequence[Any], x: Any, values: dict[str, Any], dropping: Dropping | None = None) -> Any:
        """Computes outputs `(n_members, n_rows, n_outputs)` of rows `(n_members or 1, n_rows, n_inputs)`."""
        n_in = weights[self.n_dense - 2].shape[1]  # of the output layer
        x = self.embeddings(weights[self.n_dense :], x)
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
        for number, kernel in enumerate(weights[: self.n_dense : 2]):
            if self.has_l1:
                yield values["l1"][:, number] * sum_of_each(tf.abs(kernel))
            if self.has_l2:
                yield values["l2"][:, number] * sum_of_each(tf.square(kernel))


def _of_width(x: Any, width: int) -> Any:
    """Pads or cuts outputs to a width; what is cut belongs to members whose outputs are not used."""
    return tf.pad(x[..., :width], [[0, 0], [0, 0], [0, max(0, width - x.shape[2])]])


def sum_of_each(stacked: Any) -> Any:
    """`(n_members,)` sums of `(n_members, ...)`: axis by axis, as XLA's code for a CPU is not vectorized over more."""
    while len(stacked.shape) > 1:
        stacked = tf.reduce_sum(stacked, axis=1)
    return stacked


def for_each(values: Any, stacked: Any) -> Any:
    """Reshapes `(n_members,)` values so that they multiply stacked weights `(n_members, ...)`."""
    return tf.reshape(values, [-1] + [1] * (len(stacked.shape) - 1))


def widest(weights: Sequence[np.ndarray]) -> int:
    """Returns the most numbers that a layer computes for a row."""

    def width(weight: np.ndarray) -> int:
        # An embedding of numbers computes vectors and coordinates for each of its columns.
        return weight.shape[1] * max(weight.shape[2:]) if weight.ndim == 4 else weight.shape[2]

    return max(map(width, weights))
