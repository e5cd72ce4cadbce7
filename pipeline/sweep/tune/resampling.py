"""Training and validation rows of a configuration's networks: those of the split, or folds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.config import Config
from pipeline.data import Arrays
from pipeline.data.splits.folds import N_FOLDS
from pipeline.errors import ConfigError
from pipeline.evaluate.ensemble_selection import ValidationLoss
from pipeline.train import Prepared

log = logging.getLogger(__name__)

FEW_ROWS = 5_000  # training and validation rows; with fewer, the validation rows alone are unreliable


@dataclass(frozen=True)
class ResampledPart:
    """Training and validation rows of one network of a configuration."""

    prepared: Prepared
    rows: np.ndarray  # (n,) indices of its validation rows among the rows of the loss
    loss: ValidationLoss  # on its validation rows
    fold: int | None  # from 2; None for the split's own validation rows, the first fold

    @property
    def x(self) -> np.ndarray:
        """Preprocessed validation rows."""
        return self.prepared.val.x


@dataclass(frozen=True)
class Resampling:
    """The rows on which configurations are compared.

    Attributes:
        parts: One for each network of a configuration.
        loss: Validation loss on the rows of all parts: the validation rows of the split, or for folds its training rows
            followed by its validation rows.
        needs_folds: Whether folds are kept even if they take long: they were requested, or all rows calibrate.
    """

    parts: list[ResampledPart]
    loss: ValidationLoss
    needs_folds: bool = False

    @property
    def has_folds(self) -> bool:
        """Whether a configuration has several networks."""
        return len(self.parts) > 1

    def alone(self) -> Resampling:
        """Returns a resampling of the split only, without folds."""
        (first, *_) = self.parts
        return Resampling([replace(first, rows=np.arange(len(first.rows)))], first.loss)

    def together(self, of_parts: Sequence[np.ndarray]) -> np.ndarray:
        """Combines arrays `(n_rows, n)` of the parts' validation rows, in the order of the loss's rows."""
        found = np.empty((len(self.loss.weight), of_parts[0].shape[1]), of_parts[0].dtype)
        for part, values in zip(self.parts, of_parts, strict=True):
            found[part.rows] = values
        return found


def resampling(config: Config, prepared: Prepared) -> Resampling:
    """Returns folds if rows are few and drawn at random, the first as in the split; otherwise the split alone.

    All folds use the preprocessing, and the edges of embedded numbers, of the split's training rows: a model has one
    preprocessing, and networks of the same shape are compiled once.

    Args:
        config: The experiment.
        prepared: Its data.

    Raises:
        ConfigError: Folds were requested, but are not possible.
    """
    folds = _folds(config, prepared)
    if not folds:
        val = prepared.dataset.part("val")
        loss = ValidationLoss.of(val, prepared.preprocessing)
        return Resampling([ResampledPart(prepared, np.arange(len(val)), loss, None)], loss)
    both = prepared.val.behind(prepared.train)
    loss = ValidationLoss.of(prepared.dataset.rows.take(slice(len(both.x))), prepared.preprocessing)
    log.info("%d networks for each configuration, one for each fold of %d rows (tune.folds)", len(folds), len(both.x))
    own, *others = folds
    parts = [_part(prepared, both, rows, loss, fold) for fold, rows in enumerate(others, start=2)]
    needs_folds = config.tune.folds != "auto" or config.decision.calibration is not None
    return Resampling([ResampledPart(prepared, own, loss.take(own), None), *parts], loss, needs_folds)


def _folds(config: Config, prepared: Prepared) -> list[np.ndarray]:
    dataset, asked = prepared.dataset, config.tune.folds
    if asked == 1:
        if config.decision.calibration is not None and not len(dataset.calibration):
            raise ConfigError(
                f"tune.folds: {config.decision.calibration.key} needs folds with few rows; leave it at auto"
            )
        return []
    if asked == "auto":
        n_rows = dataset.n_rows["train"] + dataset.n_rows["val"]
        if len(dataset.calibration) or n_rows >= FEW_ROWS:  # calibration rows must not be trained on
            return []
        return dataset.folds(N_FOLDS, config.data.split.seed)
    folds = dataset.folds(asked, config.data.split.seed)
    if not folds:
        raise ConfigError(
            f"tune.folds: {asked} folds cannot be drawn: validation rows are given, the latest, or on disk, or there "
            "are fewer rows or groups; set tune.folds=auto"
        )
    return folds


def _part(prepared: Prepared, both: Arrays, rows: np.ndarray, loss: ValidationLoss, fold: int) -> ResampledPart:
    others = np.setdiff1d(np.arange(len(both.x)), rows)
    own = replace(prepared, train=both.take(others), val=both.take(rows), embedded_by=prepared.train)
    return ResampledPart(own, rows, loss.take(rows), fold)
