"""Embedding layers that precede the dense layers of packed networks, with stacked weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.model.layers.embedding import CategoryEmbeddings
from pipeline.model.layers.numbers import NumberEmbeddings

# Arguments of layers that do not change what they compute; `scale` is that of initial weights.
NOT_COMPUTED = ("name", "scale")


def is_embedding(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer is one that `pipeline.model.build` puts in front of an architecture."""
    return isinstance(layer, (CategoryEmbeddings, NumberEmbeddings))


@dataclass(frozen=True)
class EmbeddingLayers:
    """The function of embedding layers, one after the other, with stacked weights.

    Attributes:
        key: What the layers compute. Equal keys can share a compiled program.
        layers: Copies without weights: a compiled program that is kept holds no network.
        counts: Number of weights of each layer.
    """

    key: str
    layers: tuple[Any, ...] = field(compare=False, repr=False)
    counts: tuple[int, ...]

    @classmethod
    def of(cls, layers: Sequence[keras.layers.Layer]) -> EmbeddingLayers:
        """Returns the function of a network's layers.

        Args:
            layers: Built layers, in the order of their calls.
        """
        copies = tuple(type(layer).from_config(layer.get_config()) for layer in layers)
        return cls(_key(layers), copies, tuple(len(layer.weights) for layer in layers))

    def __call__(self, weights: Sequence[Any], x: Any) -> Any:
        """Computes outputs `(n_members, n_rows, n_outputs)` of rows `(n_members or 1, n_rows, n_inputs)`."""
        if not self.layers:
            return x
        x = tf.broadcast_to(x, [weights[0].shape[0], *x.shape[1:]])
        start = 0
        for layer, count in zip(self.layers, self.counts, strict=True):
            x = layer.apply(x, weights[start : start + count])
            start += count
        return x


def _key(layers: Sequence[keras.layers.Layer]) -> str:
    configs = [
        [type(layer).__name__, {name: value for name, value in layer.get_config().items() if name not in NOT_COMPUTED}]
        for layer in layers
    ]
    return json.dumps(configs, sort_keys=True)


def stacked_embeddings(networks: Sequence[Sequence[keras.layers.Layer]]) -> list[np.ndarray]:
    """Stacks the weights, `(n_members, ...)`, in the order of the layers.

    Args:
        networks: Embedding layers of each network.

    Raises:
        ValueError: The layers compute different functions.
    """
    if len(set(map(_key, networks))) > 1:
        raise ValueError("networks of a pack must have equal embeddings")
    weights = [[weight.numpy() for layer in layers for weight in layer.weights] for layers in networks]
    return [np.stack(those).astype(keras.config.floatx()) for those in zip(*weights, strict=True)]
