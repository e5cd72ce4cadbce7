"""One of the networks that train as one: early stopping, best weights and reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import keras
import numpy as np

from pipeline.config.rules import Fit
from pipeline.fit.callbacks import BestWeights, StopAtNaN, StopInTime, plateau
from pipeline.fit.history import History, history_of, require_finite

Epoch = Mapping[str, float]
EpochReport = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Job:
    """The definition of one member.

    Attributes:
        network: A plain Keras model, which holds the initial weights and, after training, the best ones.
        config: The fit section; `max_minutes` is of the training of all members.
        seed: Seed of the order of the rows.
    """

    network: keras.Model
    config: Fit
    seed: int


class Member:
    """A job in training. Keras's callbacks use it as their model.

    Attributes:
        stop_training: Whether training ends with the current epoch.
        optimizer: Holds the learning rate.
    """

    def __init__(self, job: Job, report: EpochReport) -> None:
        config = job.config
        self._report = report
        self.job = job
        self.stop_training = False
        self.optimizer = SimpleNamespace(learning_rate=config.learning_rate)
        self.epochs: list[dict[str, float]] = []
        self._weights: Callable[[], Sequence[np.ndarray]] = job.network.get_weights
        self._kept: Sequence[np.ndarray] | None = None
        self._best = BestWeights(config.early_stopping) if config.early_stopping.patience is not None else None
        self._began = time.perf_counter()
        callbacks = [StopAtNaN(float(sum(job.network.losses))), *plateau(config)]
        best = [] if self._best is None else [self._best]
        in_time = [] if config.max_minutes is None else [StopInTime(config.max_minutes, 0.0, config.epochs)]
        self._callbacks = [*callbacks, *best, *in_time]
        for callback in self._callbacks:
            callback.set_model(self)
            callback.on_train_begin()

    def get_weights(self) -> Sequence[np.ndarray]:
        """Returns the weights after the last epoch."""
        return self._weights()

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Sets the weights to keep in place of those of the last epoch."""
        self._kept = weights

    def ended_epoch(
        self, values: Epoch, rate: float, seconds: float, weights: Callable[[], Sequence[np.ndarray]]
    ) -> None:
        """Records an epoch.

        Args:
            values: Losses and metrics.
            rate: The learning rate.
            seconds: Duration of the epoch.
            weights: Returns the weights after the epoch.

        Raises:
            TrainingError: The loss is not finite.
            Exception: Any exception of the job's report.
        """
        number = len(self.epochs)
        self._weights = weights
        self.epochs.append({**values, "learning_rate": rate, "seconds": seconds})
        self._report(number + 1, self.epochs[-1])
        for callback in self._callbacks:
            callback.on_epoch_end(number, dict(values))
        self.stop_training |= number + 1 == self.job.config.epochs

    def end(self) -> History:
        """Copies the weights to keep to the network.

        Raises:
            TrainingError: The weights are not finite, or the monitored value was not finite in any epoch.
        """
        for callback in self._callbacks:
            callback.on_train_end()
        self.job.network.set_weights(self._weights() if self._kept is None else self._kept)
        require_finite(self.job.network)
        return history_of(self.epochs, self._best, self.job.config, time.perf_counter() - self._began)
