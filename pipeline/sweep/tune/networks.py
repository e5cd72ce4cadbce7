"""Trained networks of an ensemble, and their files, from which a repeated command resumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.fit import Snapshot
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.model.layers.averaged_networks import ensemble
from pipeline.runtime.clock import Clock
from pipeline.sweep import light_trials
from pipeline.sweep.tune.configurations import Drawn
from pipeline.sweep.tune.resampling import ResampledPart, Resampling
from pipeline.train import Trained, Trial, build, train

SCORED_ROWS = 8192  # rows per prediction
OF_FOLD = "fold"  # tag of a run that trains a fold of a configuration

Network = Any  # a keras.Model


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network of a configuration."""

    network: Network
    checkpoint: Checkpoint  # weights, epochs, seconds and run id


@dataclass(frozen=True)
class TunedMember:
    """A trained configuration with its networks: one, or one for each fold."""

    drawn: Drawn
    trained: tuple[TrainedNetwork, ...]
    averaged: np.ndarray  # predictions for the rows of the loss, see `ValidationLoss.averaged`
    loss: float  # validation loss of the configuration alone

    @classmethod
    def of(cls, drawn: Drawn, trained: Sequence[TrainedNetwork], resampling: Resampling) -> TunedMember:
        """Scores a trained configuration.

        Args:
            drawn: The configuration.
            trained: Its networks, one for each part.
            resampling: The parts.
        """
        pairs = zip(trained, resampling.parts, strict=True)
        averaged = resampling.together([part.loss.averaged(outputs(one.network, part.x)) for one, part in pairs])
        return cls(drawn, tuple(trained), averaged, resampling.loss(averaged))

    def kept(self) -> TunedMember:
        """Returns itself: the weights of trained networks do not change."""
        return self

    def networks(self, part: ResampledPart) -> list[Network]:
        """Returns its networks."""
        return [one.network for one in self.trained]

    @property
    def epoch(self) -> int:
        """The epoch, from 1, whose weights its first network has."""
        first = self.trained[0].checkpoint
        return first.best_epoch or len(first.epochs)

    @property
    def seconds(self) -> float:
        """Training time of all its networks."""
        return sum(one.checkpoint.seconds for one in self.trained)

    @property
    def epochs(self) -> int:
        """Number of epochs of all its networks."""
        return sum(len(one.checkpoint.epochs) for one in self.trained)

    @property
    def run_ids(self) -> list[str]:
        """Ids of the runs of its networks."""
        return [one.checkpoint.run_id for one in self.trained]


@dataclass(frozen=True)
class TunedSnapshot:
    """The network of a configuration after one of its epochs."""

    drawn: Drawn
    epoch: int  # from 1
    averaged: np.ndarray  # as of TunedMember
    weights: Callable[[], list[np.ndarray]]

    @classmethod
    def of(cls, drawn: Drawn, seen: Snapshot, part: ResampledPart) -> TunedSnapshot:
        """Returns a network in training as a candidate.

        Args:
            drawn: Its configuration.
            seen: The network after an epoch.
            part: Its rows.
        """
        return cls(drawn, seen.epoch, part.loss.averaged(seen.outputs), seen.weights)

    def kept(self) -> TunedSnapshot:
        """Returns the same with weights that do not change when training goes on."""
        weights = self.weights()
        return replace(self, weights=lambda: weights)

    def networks(self, part: ResampledPart) -> list[Network]:
        """Builds the network."""
        network = build(self.drawn.config, part.prepared)
        network.set_weights(self.weights())
        return [network]


Candidate = TunedMember | TunedSnapshot
Watch = Callable[[list[TunedSnapshot]], None]  # takes networks in training, after each epoch


def each_once(entries: Sequence[Candidate]) -> tuple[list[Candidate], list[int]]:
    """Returns the distinct entries of an ensemble, and the index of each entry among them."""
    distinct = list({id(entry): entry for entry in entries}.values())
    places = {id(entry): place for place, entry in enumerate(distinct)}
    return distinct, [places[id(entry)] for entry in entries]


def train_network(drawn: Drawn, part: ResampledPart, watch: Watch | None = None) -> TrainedNetwork:
    """Trains a network in its own run.

    Args:
        drawn: Its configuration.
        part: Its rows.
        watch: Takes the network after each epoch.

    Raises:
        PipelineError: Training failed, or the run cannot be tracked.
    """
    trial = _Watched(drawn, part, watch)
    trial.tags = tags(drawn, part)
    prepared = replace(part.prepared, clock=Clock())
    with train(drawn.config, prepared, trial) as done:
        return recorded(done, part, prepared.clock.seconds)


class _Watched(Trial):
    """The run of a network that is watched."""

    def __init__(self, drawn: Drawn, part: ResampledPart, watch: Watch | None) -> None:
        super().__init__()
        self._drawn, self._part, self._watch = drawn, part, watch

    def after_epoch(self) -> Callable[[Snapshot], None] | None:
        """Passes the network on."""
        watch = self._watch
        return None if watch is None else lambda seen: watch([TunedSnapshot.of(self._drawn, seen, self._part)])


def tags(drawn: Drawn, part: ResampledPart) -> dict[str, str]:
    """Returns the tags of a network's run.

    Args:
        drawn: Its configuration.
        part: Its rows.
    """
    of_fold = {} if part.fold is None else {OF_FOLD: str(part.fold)}
    return {"overrides": " ".join(drawn.words), "tuned_number": str(drawn.number)} | of_fold


def recorded(done: Trained, part: ResampledPart, seconds: Mapping[str, float]) -> TrainedNetwork:
    """Logs the result of a trained network to its open run.

    Args:
        done: The network and its run.
        part: Its rows.
        seconds: Duration of each part of its training, by the name of a metric.
    """
    network, history, tracked = done.network, done.history, done.tracked
    reached = part.loss(part.loss.averaged(outputs(network, part.x)))
    found = history.summary() | {part.loss.name: reached}
    if part.prepared.objective == part.loss.name:  # other scores are those of an assembled model, which it lacks
        found["objective"] = reached
    tracked.log_final({**found, "n_parameters": network.count_params(), **seconds})
    if part.fold is None:
        light_trials.keep(part.prepared, done)
    weights, total = network.get_weights(), sum(seconds.values())
    kept = Checkpoint(
        tracked.id, {}, total, history.epochs, weights, is_trained=True, best_epoch=history.best_epoch
    )  # fmt: skip
    return TrainedNetwork(network, kept)


def recalled(drawn: Drawn, part: ResampledPart, path: Path) -> TrainedNetwork:
    """Loads a network that an earlier command trained.

    Args:
        drawn: Its configuration.
        part: Its rows.
        path: Its file.

    Raises:
        ValueError: The file cannot be read, or belongs to another network.
    """
    kept = Checkpoint.read(path)
    network = build(drawn.config, part.prepared)
    network.set_weights(kept.weights)
    return TrainedNetwork(network, kept)


def recalled_snapshot(drawn: Drawn, part: ResampledPart, path: Path) -> TunedSnapshot:
    """Loads a network that an earlier command had selected.

    Args:
        drawn: Its configuration.
        part: Its rows.
        path: Its file.

    Raises:
        ValueError: The file cannot be read, or belongs to another network.
    """
    found = recalled(drawn, part, path)
    assert found.checkpoint.best_epoch is not None, "written by `Training`"
    averaged = part.loss.averaged(outputs(found.network, part.x))
    return TunedSnapshot(drawn, found.checkpoint.best_epoch, averaged, found.network.get_weights)


def held_out_by(entries: Sequence[Candidate], resampling: Resampling) -> np.ndarray:
    """Returns out-of-fold predictions of an ensemble: for each row by networks that were not trained on it.

    Args:
        entries: Selected configurations, each with all folds.
        resampling: The folds.

    Returns:
        `(n_rows, n_outputs)`.
    """
    found: list[np.ndarray] = []
    distinct, places = each_once(entries)
    for fold, part in enumerate(resampling.parts):
        of_fold = ensemble([entry.networks(part)[fold] for entry in distinct], places, part.loss.target.task)
        found.append(outputs(of_fold, part.x))
    return resampling.together(found)


def outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Returns predictions for preprocessed rows, without tracing a function for each network.

    Args:
        network: The network.
        x: `(n_rows, n_inputs)`.

    Returns:
        `(n_rows, n_outputs)`.
    """
    starts = range(0, len(x), SCORED_ROWS)
    return np.concatenate([network(x[start : start + SCORED_ROWS], training=False).numpy() for start in starts])
