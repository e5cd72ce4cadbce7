"""What became of the weights: how many are as good as zero, and how much each input still counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# Of a layer's largest weight, or of the input that counts most. Plain gradient steps on an L1 penalty cross zero, by
# up to a step's length, and do not stay on it (Goodfellow, Bengio and Courville 2016, section 7.1.2).
NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class Weights:
    """What is worth keeping of a trained network's weights."""

    counts: dict[str, float]  # `n_parameters`, `n_zero_weights` (of kernels) and `n_zero_inputs`
    of_inputs: dict[str, float]  # norm of the weights that leave each input; none where embeddings come first


def measure(network: keras.Model, names: Sequence[str]) -> Weights:
    """Looks at the kernels of a trained network, whose inputs have these names."""
    sizes = [np.abs(kernel) for kernel in _kernels(network)]
    counts = {"n_parameters": network.count_params(), "n_zero_weights": sum(_n_negligible(size) for size in sizes)}
    if not sizes or len(sizes[0]) != len(names):
        return Weights(counts, {})
    norms = np.linalg.norm(sizes[0], axis=1)
    return Weights(counts | {"n_zero_inputs": _n_negligible(norms)}, dict(zip(names, norms.tolist(), strict=True)))


def _n_negligible(sizes: np.ndarray) -> int:
    return int((sizes <= NEGLIGIBLE * sizes.max()).sum())


def _kernels(network: keras.Model) -> list[np.ndarray]:
    """Those of Dense layers, `(n_in, n_out)` each."""
    return [w.numpy() for w in network.trainable_weights if w.name == "kernel" and len(w.shape) == 2]
