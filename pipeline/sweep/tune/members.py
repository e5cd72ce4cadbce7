"""A trained network of an ensemble, and its file, from which a command that is repeated goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.evaluate.ensemble import ValidationLoss
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.runtime.clock import Clock
from pipeline.sweep import light
from pipeline.sweep.tune.configurations import Drawn
from pipeline.train import Prepared, Trial, build, train

SCORED_ROWS = 8192  # at a time


@dataclass(frozen=True)
class Member:
    """A trained network."""

    drawn: Drawn
    network: Any  # keras.Model
    averaged: np.ndarray  # of the validation rows, see `ValidationLoss.averaged`
    loss: float  # by itself
    checkpoint: Checkpoint  # its weights, epochs, seconds and run


def trained(drawn: Drawn, prepared: Prepared, x: np.ndarray, loss: ValidationLoss) -> Member:
    """Trains a network in a run of its own.

    Args:
        drawn: Its configuration.
        prepared: The rows, which it shares with all others.
        x: Preprocessed validation rows.
        loss: Of these.

    Raises:
        PipelineError: Training comes to nothing, or the run cannot be tracked.
    """
    trial = Trial()
    trial.tags = {"overrides": " ".join(drawn.words), "tuned_number": str(drawn.number)}
    clock = Clock()
    with train(drawn.config, replace(prepared, clock=clock), trial) as done:
        averaged = loss.averaged(outputs(done.network, x))
        reached = loss(averaged)
        found = done.history.summary() | {prepared.objective: reached, "objective": reached}
        done.tracked.log_final(found | {"n_parameters": done.network.count_params()} | clock.seconds)
        light.keep(prepared, done)
        run_id = done.tracked.id
    history, seconds = done.history, sum(clock.seconds.values())
    weights = done.network.get_weights()
    kept = Checkpoint(
        run_id, {}, seconds, history.epochs, weights, is_trained=True, best_epoch=history.best_epoch
    )  # fmt: skip
    return Member(drawn, done.network, averaged, reached, kept)


def recalled(drawn: Drawn, prepared: Prepared, x: np.ndarray, loss: ValidationLoss, path: Path) -> Member:
    """A network that was trained before.

    Raises:
        ValueError: Its file cannot be read, or is of another network.
    """
    kept = Checkpoint.read(path)
    network = build(drawn.config, prepared)
    network.set_weights(kept.weights)
    averaged = loss.averaged(outputs(network, x))
    return Member(drawn, network, averaged, loss(averaged), kept)


def outputs(network: Any, x: np.ndarray) -> np.ndarray:
    """What a network gives for preprocessed rows, `(n_rows, n_outputs)`: without a function traced for each network."""
    starts = range(0, len(x), SCORED_ROWS)
    return np.concatenate([network(x[start : start + SCORED_ROWS], training=False).numpy() for start in starts])
