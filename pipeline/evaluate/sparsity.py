"""Sparsity of a trained network: how many weights are close to zero, and the weight norm of each input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# Relative to a layer's largest weight, or to the largest norm of an input. Gradient steps on an L1 penalty overshoot
# zero by up to a step's length and never reach it (Goodfellow, Bengio and Courville 2016, section 7.1.2).
NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class Weights:
    """Statistics of a trained network's weights."""

    counts: dict[str, float]  # `n_parameters`, `n_zero_weights` (of kernels) and `n_zero_inputs`
    of_inputs: dict[str, float]  # norm of each input's outgoing weights; empty if embeddings come first


def measure(network: keras.Model, names: Sequence[str]) -> Weights:
    """Measures the kernels of a trained network.

    Args:
        network: The network.
        names: Names of its inputs.
    """
    sizes = [np.abs(kernel) for kernel in _kernels(network)]
    counts = {"n_parameters": network.count_params(), "n_zero_weights": sum(_n_negligible(size) for size in sizes)}
    if not sizes or len(sizes[0]) != len(names):
        return Weights(counts, {})
    norms = np.linalg.norm(sizes[0], axis=1)
    return Weights(counts | {"n_zero_inputs": _n_negligible(norms)}, dict(zip(names, norms.tolist(), strict=True)))


def _n_negligible(sizes: np.ndarray) -> int:
    return int((sizes <= NEGLIGIBLE * sizes.max()).sum())


def _kernels(network: keras.Model) -> list[np.ndarray]:
    """Returns the kernels of Dense layers, `(n_in, n_out)` each."""
    return [w.numpy() for w in network.trainable_weights if w.name == "kernel" and len(w.shape) == 2]
