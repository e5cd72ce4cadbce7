"""Division of the rows of an epoch into steps."""

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
    """The steps of an epoch: full batches, and a last batch of the remaining rows. Every row is used once."""

    n_batch: int  # rows of a full batch
    n_full: int  # full batches
    n_last: int  # rows of the last batch if its size differs, else 0

    @property
    def count(self) -> int:
        """Number of steps per epoch."""
        return self.n_full + (self.n_last > 0)

    @property
    def n_rows_of_full(self) -> int:
        """Number of rows in full batches."""
        return self.n_full * self.n_batch


def batch_size(config: Fit, n_rows: int) -> int:
    """Returns the rows per step; `auto` grows with the training rows (Gorishniy et al. 2025).

    Args:
        config: The fit section.
        n_rows: Training rows.
    """
    if config.batch_size == "full":
        return n_rows
    if config.batch_size == "auto":
        return min(n_rows, next(size for most, size in AUTO_SIZES if n_rows < most))
    return min(config.batch_size, n_rows)


def steps_of(n_rows: int, n_batch: int, network: Any) -> Steps:
    """Divides the rows of an epoch as Keras does, except for a small last batch before batch normalization.

    Batch normalization gives each batch the same weight in its moving averages, whatever its size: a last batch of one
    row, whose variance is 0, spoils them. A last batch of one row or less than half a batch is therefore added to the
    batch before it.

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
    """Checks that batch normalization gets more than one row.

    Args:
        n_rows: Training rows.
        n_batch: Rows per step.
        network: The network.

    Raises:
        ConfigError: A batch has one row, whose variance is 0: normalization would reduce every row to the bias.
    """
    if n_batch == 1 and normalizes_batches(network):
        without = "model.normalization=layer" if network.name.endswith("residual") else "model.batch_norm=false"
        why, use = ("there is one training row", "") if n_rows == 1 else ("each batch is one row", OF_MORE_ROWS)
        said = f"fit.batch_size: {why}, and batch normalization needs two or more to have a variance"
        raise ConfigError(f"{said}; use {use}{without}")


def normalizes_batches(network: Any) -> bool:
    """Whether a model or one of its nested models has batch normalization."""
    return any(
        isinstance(layer, keras.layers.BatchNormalization) or normalizes_batches(layer)
        for layer in getattr(network, "layers", ())
    )
