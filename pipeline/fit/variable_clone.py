"""The clone that is trained in the network's place, so that one compiled program serves many networks.

The clone has the same layers, and starts from the same weights and seeds. Its dropout rates and its L1 and L2 strengths
are variables, which Keras makes constants of the graph, and it can compute in bfloat16. The network itself stays plain
Keras in float32, because it is exported.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops, regularizers

from pipeline.fit.epoch_randomness import DRAWS_AN_EPOCH
from pipeline.model.layers.numbers import NumberEmbeddings
from pipeline.model.layers.stacked_members import MeanOfMembers

GOLDEN = 0x9E3779B9  # 2**32 divided by the golden ratio
LEVELS = 2**16  # values of the random number that drops a unit: 16 bits per unit
PLACES_OF_NAMES = ("name", "keras_history", "input_layers", "output_layers")  # in a Functional model's config
KNOWN_LAYERS = ("keras.", "pipeline.model.layers.")  # layers that their configs describe completely
PENALTIES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
# bfloat16 rounds 1.004 to 1, which is another bin.
EXACT = keras.layers.InputLayer, NumberEmbeddings

_generator = ["philox"]


@contextlib.contextmanager
def drawing_with(generator: str) -> Iterator[None]:
    """Sets the random generator of the dropout layers in graphs that are traced in this context.

    Both generators are by Salmon et al. 2011. Threefry is four times as fast under XLA, but exists only there.
    """
    _generator.append(generator)
    try:
        yield
    finally:
        _generator.pop()


def threefry_seed(seed: Any, count: Any) -> tuple[Any, Any]:
    """Returns the two uint32 numbers that seed Threefry.

    Threefry takes 32 bits of each. The epoch's number is in the upper bits of the count, so it is mixed into the seed
    by multiplicative hashing (Knuth 1998, section 6.4).

    Args:
        seed: Seed of the layer.
        count: Count of the layer's draws.
    """
    epoch = tf.cast(count // DRAWS_AN_EPOCH, tf.uint32)
    return tf.cast(seed, tf.uint32) + epoch * tf.constant(GOLDEN, tf.uint32), tf.cast(count % DRAWS_AN_EPOCH, tf.uint32)


class ValueDropout(keras.layers.Dropout):
    """Dropout (Srivastava et al. 2014) whose rate can change without retracing; the rate is rounded to 1 / 65536.

    Args:
        rate: Initial rate.
        **kwargs: Further arguments of the Keras layer.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)
        self.value = tf.Variable(rate, trainable=False, dtype=tf.float32)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drops units in training, and scales up the others."""
        if not training:
            return inputs
        n_units, seed = tf.size(inputs), self.seed_generator.next()
        if _generator[-1] == "threefry":
            seed = tf.cast(tf.stack(threefry_seed(*tf.unstack(seed))), tf.int64)
        pairs = tf.random.stateless_uniform(  # 32 bits serve two units
            [(n_units + 1) // 2],
            seed=seed,
            minval=None,
            maxval=None,
            dtype=tf.uint32,
            alg=_generator[-1],
        )
        drawn = tf.reshape(tf.reshape(tf.bitcast(pairs, tf.uint16), [-1])[:n_units], tf.shape(inputs))
        n_dropped = tf.minimum(tf.round(self.value * LEVELS), LEVELS - 1)  # dropping all units would divide by 0
        kept = tf.cast(inputs, tf.float32) * (LEVELS / (LEVELS - n_dropped))
        return tf.cast(tf.where(tf.cast(drawn, tf.float32) >= n_dropped, kept, 0.0), inputs.dtype)


class ValuePenalty(regularizers.Regularizer):
    """L1 and L2 penalties whose strengths can change without retracing; a strength of 0 is left out of the graph.

    Args:
        l1: Initial strength of the L1 penalty.
        l2: Initial strength of the L2 penalty.
    """

    def __init__(self, l1: float, l2: float) -> None:
        self.values = {
            name: tf.Variable(strength, trainable=False, dtype=tf.float32)
            for name, strength in (("l1", l1), ("l2", l2))
            if strength
        }

    def __call__(self, x: Any) -> Any:
        """Returns the scalar to add to the loss."""
        sums = {"l1": lambda: ops.sum(ops.abs(x)), "l2": lambda: ops.sum(ops.square(x))}
        return sum((value * sums[name]() for name, value in self.values.items()), tf.constant(0.0))


def make_clone(network: keras.Model, dtype: str | None) -> keras.Model:
    """Copies the network with variables for rates and strengths.

    Args:
        network: The network.
        dtype: Policy of all layers but inputs, embeddings of numbers and outputs; None keeps float32.
    """
    last = set(_last(network.outputs))

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if dtype and layer.name not in last and not isinstance(layer, EXACT):
            config["dtype"] = dtype
        if _is_dropout(layer):
            return ValueDropout.from_config(config)
        clone = type(layer).from_config(config)
        for name, penalty in _penalties(layer):
            setattr(clone, name, ValuePenalty(float(penalty.l1), float(penalty.l2)))
        return clone

    return keras.models.clone_model(network, clone_function=copy, recursive=True)


def values(network: keras.Model) -> list[float]:
    """Returns the network's rates and strengths, in the order of `variables`."""
    found: list[float] = []
    for layer in _layers(network):
        if _is_dropout(layer):
            found.append(layer.rate)
        for _, penalty in _penalties(layer):
            found += [float(strength) for strength in (penalty.l1, penalty.l2) if strength]
    return found


def variables(clone: keras.Model) -> list[tf.Variable]:
    """Returns the variables that hold the clone's rates and strengths."""
    found: list[tf.Variable] = []
    for layer in _layers(clone):
        if isinstance(layer, ValueDropout):
            found.append(layer.value)
        for name in PENALTIES:
            penalty = getattr(layer, name, None)
            if isinstance(penalty, ValuePenalty):
                found += penalty.values.values()
    return found


def start_from(clone: keras.Model, network: keras.Model) -> None:
    """Copies weights, states of random generators, rates and strengths from the network to the clone.

    Args:
        clone: The clone, or a model that shares the network's layers, which needs no copy.
        network: The network.
    """
    if next(_layers(clone)) is next(_layers(network)):
        return  # not a clone: the model shares the network's layers
    for ours, theirs in zip(_state(clone), _state(network), strict=True):
        ours.assign(theirs)
    for variable, value in zip(variables(clone), values(network), strict=True):
        variable.assign(value)


def structure(network: keras.Model) -> str | None:
    """Returns a key that is equal for networks that one program can serve, or None if that is unknown.

    It is unknown for third-party layers, whose config need not describe them completely.
    """
    if not all(map(_says_all, _layers(network))):
        return None
    names = {network.name: "network"} | {layer.name: f"layer {n}" for n, layer in enumerate(_layers(network))}
    names.pop("output", None)  # Muon depends on this name
    # Dropout with noise_shape or rate 0 and penalties of other kinds are not cloned: their values stay in the key.
    dropouts = {layer.name for layer in _layers(network) if _is_dropout(layer)}

    def shared(key: str, node: Any) -> Any:
        if isinstance(node, list | tuple):
            return [shared(key, value) for value in node]
        if isinstance(node, dict):
            return _without_strengths(node) or {
                name: "value" if name == "rate" and node.get("name") in dropouts else shared(name, value)
                for name, value in node.items()
            }
        return names.get(node, node) if key in PLACES_OF_NAMES and isinstance(node, str) else node

    return json.dumps(shared("", network.get_config()), sort_keys=True)


def _says_all(layer: keras.layers.Layer) -> bool:
    """Whether the layer's config describes it completely."""
    return type(layer).__module__.startswith(KNOWN_LAYERS) and not isinstance(layer, keras.layers.Lambda)


def _without_strengths(config: dict[str, Any]) -> list[str] | None:
    """Returns the names of a penalty's strengths that are not 0; None if the config is not that of a penalty."""
    if config.get("class_name") not in ("L1", "L2", "L1L2"):
        return None
    return ["penalty", *sorted(name for name, strength in config["config"].items() if strength)]


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields all layers, including those of nested models, in order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _last(outputs: Sequence[Any]) -> Iterator[str]:
    """Yields the names of the layers that give the outputs of a network or of its members."""
    for output in outputs:
        layer = output._keras_history.operation
        if isinstance(layer, keras.Model):
            yield from _last(layer.outputs)
        else:
            yield layer.name
        if isinstance(layer, MeanOfMembers):
            yield from _last([layer.input])


def _is_dropout(layer: keras.layers.Layer) -> bool:
    return type(layer) is keras.layers.Dropout and layer.noise_shape is None and layer.rate > 0


def _penalties(layer: keras.layers.Layer) -> Iterator[tuple[str, Any]]:
    for name in PENALTIES:
        penalty = getattr(layer, name, None)
        if isinstance(penalty, regularizers.L1 | regularizers.L2 | regularizers.L1L2):
            yield name, regularizers.L1L2(getattr(penalty, "l1", 0.0), getattr(penalty, "l2", 0.0))


def _state(model: keras.Model) -> list[Any]:
    return [variable for layer in _layers(model) for variable in layer.variables]
