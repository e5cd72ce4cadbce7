"""Distillation of an ensemble into one network (Hinton, Vinyals and Dean 2015), if an ensemble is too large."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from pipeline import fit
from pipeline.config import Config
from pipeline.data import Arrays, InMemory
from pipeline.errors import ConfigError
from pipeline.sweep.tune.networks import outputs
from pipeline.train import Prepared, Trained, build

log = logging.getLogger(__name__)

# The targets are numbers, such as logits (Ba and Caruana 2014), so settings for labels do not apply.
FOLLOWING = {"loss": "mse", "class_weight": "none", "label_smoothing": 0.0}


def require_in_memory(prepared: Prepared) -> None:
    """Checks that the targets of the rows can be replaced.

    Raises:
        ConfigError: The rows are on disk.
    """
    if not isinstance(prepared.dataset, InMemory):
        raise ConfigError("tune.distill: needs rows in memory; set data.streaming=off or tune.distill=false")


def distilled(config: Config, prepared: Prepared, ensemble: Trained) -> Trained:
    """Trains a network as configured on the predictions of an ensemble for the training rows.

    Early stopping uses the ensemble's predictions for the validation rows. Its learning curve is logged to the run.

    Args:
        config: The experiment.
        prepared: Its data.
        ensemble: The ensemble and its run.

    Raises:
        TrainingError: Training failed.
    """
    stopping = config.fit.early_stopping
    monitor = stopping.monitor.replace("accuracy", "loss")  # numbers have no accuracy
    own = config.fit.model_copy(update=FOLLOWING | {"early_stopping": stopping.model_copy(update={"monitor": monitor})})
    train, val = (_followed(arrays, ensemble) for arrays in (prepared.train, prepared.val))
    fit.seed(config.seed)
    with fit.scope(own), fit.memory_error_explained():
        network = build(config, prepared)
        scale = np.ones(train.y.shape[1])
        trainable = fit.compile_network(network, own, task="regression", n_rows=len(train.x), output_scale=scale)
    log.info("training one network on the predictions of the ensemble (tune.distill)")
    history = fit.fit(trainable, train, val, own, seed=config.seed, report=ensemble.tracked.log_epoch)
    prepared.clock.lap("distill")
    return replace(ensemble, network=network, history=history, held_out=None)


def _followed(arrays: Arrays, ensemble: Trained) -> Arrays:
    return arrays._replace(y=outputs(ensemble.network, arrays.x).astype(np.float32))
