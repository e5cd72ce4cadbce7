"""How the rows of an epoch are divided into steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras

from pipeline.config.rules import Fit
from pipeline.errors import ConfigError

OF_MORE_ROWS = "fit.batch_size=32, or "
AUTO_SIZES = ((2_800, 32), (4_500, 64), (6_400, 128), (32_000, 256), (108_000, 512), (math.inf, 1024))


@dataclass(frozen=True)
class Steps:
    """The steps of an epoch: full batches, and a last one where rows are left over. Every row is used once."""

    n_batch: int  # rows of a full batch
    n_full: int  # full batches
    n_last: int  # rows of the last batch where it has another size, else 0

    @property
    def count(self) -> int:
        """Steps an epoch."""
        return self.n_full + (self.n_last > 0)

    @property
    def n_rows_of_full(self) -> int:
        """Rows in full batches."""
        return self.n_full * self.n_batch


def batch_size(config: Fit, n_rows: int) -> int:
    """Rows per step; `auto` grows with the training rows (Gorishniy et al. 2025)."""
    if config.batch_size == "full":
        return n_rows
    if config.batch_size == "auto":
        return min(n_rows, next(size for most, size in AUTO_SIZES if n_rows < most))
    return min(config.batch_size, n_rows)


def steps_of(n_rows: int, n_batch: int, network: Any) -> Steps:
    """Divides the rows of an epoch as Keras does, but for a small rest where batches are normalized.

    Batch normalization counts each batch alike in its moving averages, whatever its size: a last batch of one row,
    whose variance is 0, spoils them. So a rest of one row, or of less than half a batch, joins the batch before
    it.

    Args:
        n_rows: Training rows.
        n_batch: Rows per step, at most `n_rows`.
        network: The Keras model that is trained.
    """
    n_full, n_last = divmod(n_rows, n_batch)
    is_small = n_last == 1 or 0 < 2 * n_last < n_batch
    if is_small and normalizes_batches(network):
        return Steps(n_batch, n_full - 1, n_batch + n_last)
    return Steps(n_batch, n_full, n_last)


def check_batches(n_rows: int, n_batch: int, network: keras.Model) -> None:
    """Looks for batches that cannot be normalized.

    Raises:
        ConfigError: Batches are of one row, whose variance is 0: every row would be its bias and nothing else.
    """
    if n_batch == 1 and normalizes_batches(network):
        without = "model.normalization=layer" if network.name.endswith("residual") else "model.batch_norm=false"
        why, use = ("there is one training row", "") if n_rows == 1 else ("each batch is one row", OF_MORE_ROWS)
        said = f"fit.batch_size: {why}, and batch normalization needs two or more to have a variance"
        raise ConfigError(f"{said}; use {use}{without}")


def normalizes_batches(network: Any) -> bool:
    """Whether a model has layers of batch normalization, in models inside of it too."""
    return any(
        isinstance(layer, keras.layers.BatchNormalization) or normalizes_batches(layer)
        for layer in getattr(network, "layers", ())
    )
