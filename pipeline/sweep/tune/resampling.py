"""Which rows the networks of a configuration train and validate on: those of the split, or folds in turn."""

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

FEW_ROWS = 5_000  # to train and validate on, below which validation rows alone would be a poor judge


@dataclass(frozen=True)
class ResampledPart:
    """What one network of a configuration trains and validates on."""

    prepared: Prepared
    rows: np.ndarray  # (n,) numbers of its validation rows among those of the loss
    loss: ValidationLoss  # of these
    fold: int | None  # from 2; None of the split's own validation rows, which are the first

    @property
    def x(self) -> np.ndarray:
        """Its validation rows, preprocessed."""
        return self.prepared.val.x


@dataclass(frozen=True)
class Resampling:
    """What a configuration is judged by.

    Attributes:
        parts: For each of its networks.
        loss: Of all rows that one of them validates on: those of the split; or, of folds, the training rows and
            behind them the validation rows.
        needs_folds: Whether it must stay as it is, however long folds take: they were asked for, or all rows calibrate.
    """

    parts: list[ResampledPart]
    loss: ValidationLoss
    needs_folds: bool = False

    @property
    def has_folds(self) -> bool:
        """Whether a configuration is several networks."""
        return len(self.parts) > 1

    def alone(self) -> Resampling:
        """The split as it is, without other folds."""
        (first, *_) = self.parts
        return Resampling([replace(first, rows=np.arange(len(first.rows)))], first.loss)

    def together(self, of_parts: Sequence[np.ndarray]) -> np.ndarray:
        """In the order of the loss's rows what there is `(n_rows, n)` for the validation rows of each part."""
        found = np.empty((len(self.loss.weight), of_parts[0].shape[1]), of_parts[0].dtype)
        for part, values in zip(self.parts, of_parts, strict=True):
            found[part.rows] = values
        return found


def resampling(config: Config, prepared: Prepared) -> Resampling:
    """Folds where there are few rows, which are drawn, the first of them as the split has it; the split alone else.

    Preprocessing and the edges of embedded numbers are those of the split's training rows for all folds: a model has
    one preprocessing, and networks of one shape are compiled once.

    Raises:
        ConfigError: Folds are asked for, and there can be none.
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
                f"tune.folds: {config.decision.calibration.key} of few rows takes folds; leave it at auto"
            )
        return []
    if asked == "auto":
        n_rows = dataset.n_rows["train"] + dataset.n_rows["val"]
        if len(dataset.calibration) or n_rows >= FEW_ROWS:  # rows that calibrate must not train
            return []
        return dataset.folds(N_FOLDS, config.data.split.seed)
    folds = dataset.folds(asked, config.data.split.seed)
    if not folds:
        raise ConfigError(
            f"tune.folds: {asked} folds cannot be drawn: validation rows are given, the latest or on disk, or there "
            "are fewer rows or groups; set tune.folds=auto"
        )
    return folds


def _part(prepared: Prepared, both: Arrays, rows: np.ndarray, loss: ValidationLoss, fold: int) -> ResampledPart:
    others = np.setdiff1d(np.arange(len(both.x)), rows)
    own = replace(prepared, train=both.take(others), val=both.take(rows), embedded_by=prepared.train)
    return ResampledPart(own, rows, loss.take(rows), fold)
