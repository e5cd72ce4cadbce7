"""One network that does what an ensemble does (Hinton, Vinyals and Dean 2015), for where an ensemble is too large."""

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

# It follows numbers, logits among them (Ba and Caruana 2014); what is about labels does not go with that.
FOLLOWING = {"loss": "mse", "class_weight": "none", "label_smoothing": 0.0}


def require_in_memory(prepared: Prepared) -> None:
    """That the rows can get other targets.

    Raises:
        ConfigError: They lie on disk.
    """
    if not isinstance(prepared.dataset, InMemory):
        raise ConfigError("tune.distill: its rows are read from disk; set data.streaming=off or tune.distill=false")


def distilled(config: Config, prepared: Prepared, ensemble: Trained) -> Trained:
    """A network as configured, trained on what an ensemble gives for the training rows.

    It stops by what the ensemble gives for the validation rows. Its learning curve is the run's.

    Raises:
        TrainingError: Training comes to nothing.
    """
    own = config.fit.model_copy(update=FOLLOWING)
    train, val = (_followed(arrays, ensemble) for arrays in (prepared.train, prepared.val))
    fit.seed(config.seed)
    with fit.scope(own), fit.memory_error_explained():
        network = build(config, prepared)
        scale = np.ones(train.y.shape[1])
        trainable = fit.compile_network(network, own, task="regression", n_rows=len(train.x), output_scale=scale)
    log.info("one network is trained on what the ensemble gives (tune.distill)")
    history = fit.fit(trainable, train, val, own, seed=config.seed, report=ensemble.tracked.log_epoch)
    prepared.clock.lap("distill")
    return replace(ensemble, network=network, history=history, held_out=None)


def _followed(arrays: Arrays, ensemble: Trained) -> Arrays:
    return arrays._replace(y=outputs(ensemble.network, arrays.x).astype(np.float32))
