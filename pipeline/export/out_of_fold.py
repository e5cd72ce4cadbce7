"""Out-of-fold errors, which calibrate bounds if there are too few rows to keep some for calibration."""

from __future__ import annotations

import logging

import keras
import numpy as np

from pipeline import fit, model
from pipeline.config import Config
from pipeline.data import Arrays, Dataset, Preprocessing
from pipeline.data.splits.folds import N_FOLDS
from pipeline.export.assemble import BATCH_ROWS
from pipeline.export.calibrate import with_spread
from pipeline.runtime.quiet import quiet

log = logging.getLogger(__name__)


def out_of_fold(
    config: Config,
    dataset: Dataset,
    preprocessing: Preprocessing,
    train: Arrays,
    val: Arrays,
    held_out: np.ndarray | None = None,
) -> np.ndarray | None:
    """Outputs of networks of the same configuration for rows that they were not trained on.

    Each network is trained on all folds of the training and validation rows except one, which validates, and for
    which it then returns its outputs. Their errors are like those of the network itself on new rows (cross-conformal
    prediction: Vovk 2015; CV+: Barber, Candès, Ramdas and Tibshirani 2021, who guarantee 1 - 2 (1 - coverage) and find
    the coverage).

    Args:
        config: The experiment.
        dataset: All rows.
        preprocessing: Converts rows to the network's inputs; fitted on the training rows for all folds.
        train: Training rows, preprocessed.
        val: Validation rows.
        held_out: Such outputs, if they exist already.

    Returns:
        `(n_train + n_val, n)`; None if nothing is calibrated, or rows are kept for it.

    Raises:
        TrainingError: Training fails.
    """
    calibration = config.decision.calibration
    if calibration is None or len(dataset.calibration):
        return None
    if held_out is not None:
        return held_out
    folds = next(found for n in range(N_FOLDS, 1, -1) if (found := dataset.folds(n, config.data.split.seed)))
    both = val.behind(train)
    log.info("%s: training %d more networks for out-of-fold errors", calibration.key, len(folds))
    sizes, scale = preprocessing.sizes(dataset.rows.target), preprocessing.outputs.units_per_scaled
    task = dataset.rows.target.task
    rows = model.TrainingRows(train.x, train.y, preprocessing.inputs.numbers)
    parts = []
    for fold in folds:
        fit.seed(config.seed)
        with fit.scope(config.fit), quiet("pipeline.fit"):
            network = model.build(config.model, **sizes, rows=rows)
            own = both.take(np.setdiff1d(np.arange(len(both.x)), fold))
            parts.append(_outputs(_trained(network, own, both.take(fold), config, task, scale), both.x[fold]))
    made = np.empty((len(both.x), parts[0].shape[1]), np.float32)
    made[np.concatenate(folds)] = np.concatenate(parts)
    return made


def _trained(
    network: keras.Model, train: Arrays, val: Arrays, config: Config, task: str, scale: np.ndarray
) -> keras.Model:
    trainable = fit.compile_network(network, config.fit, task=task, n_rows=len(train.x), output_scale=scale)
    fit.fit(trainable, train, val, config.fit, seed=config.seed, report=lambda epoch, values: None)
    return network


def _outputs(network: keras.Model, x: np.ndarray) -> np.ndarray:
    """Outputs of a network, for members followed by their spread."""
    found: np.ndarray = with_spread(network).predict(x, batch_size=BATCH_ROWS, verbose=0)
    return found
