"""The result of training: values of all epochs, and the epoch whose weights are kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import keras
import numpy as np

from pipeline.config.rules import Fit
from pipeline.errors import TrainingError
from pipeline.fit.callbacks import BestWeights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class History:
    """The result of training."""

    epochs: list[dict[str, float]]  # each epoch's losses, metrics, learning rate and seconds
    best_epoch: int | None  # whose weights were kept, from 1; None without early stopping

    def summary(self) -> dict[str, float]:
        """Returns the measurements to log, by name."""
        seconds = [epoch["seconds"] for epoch in self.epochs]
        found = {
            "epochs_trained": len(seconds),
            "seconds_first_epoch": seconds[0],
            "seconds_per_epoch": float(np.median(seconds[1:] or seconds)),  # the first epoch includes compilation
        }
        return found if self.best_epoch is None else found | {"best_epoch": self.best_epoch}


def require_finite(network: keras.Model) -> None:
    """Checks that the trained weights are finite.

    Raises:
        TrainingError: A weight is NaN or infinite.
    """
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise TrainingError("the weights are not finite after the last epoch; try a smaller fit.learning_rate")


def history_of(epochs: list[dict[str, float]], best: BestWeights | None, config: Fit, seconds: float) -> History:
    """Logs one line about the result of training, and returns the result.

    Args:
        epochs: Values of each epoch.
        best: The early stopping callback; None without early stopping.
        config: The fit section.
        seconds: Duration of training.

    Raises:
        TrainingError: The monitored value was not finite in any epoch.
    """
    if best is None or best.best_weights is None:
        log.info("trained %d epochs in %.1f s", len(epochs), seconds)
        return History(epochs, None)
    if not np.isfinite(best.best):
        raise TrainingError(f"{best.monitor} was not finite in any epoch; try a smaller fit.learning_rate")
    reached = f"{best.monitor} {epochs[best.best_epoch][best.monitor]:.4g}"
    more = "; it was the last, more fit.epochs may help" if best.best_epoch + 1 == config.epochs else ""
    log.info(
        "trained %d epochs in %.1f s; kept epoch %d (%s)%s", len(epochs), seconds, best.best_epoch + 1, reached, more
    )
    return History(epochs, best.best_epoch + 1)
