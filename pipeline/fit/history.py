"""What training came to."""

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
    """What training came to."""

    epochs: list[dict[str, float]]  # each epoch's losses, metrics, learning rate and seconds
    best_epoch: int | None  # whose weights were kept, counted from 1; None where early stopping is off

    def summary(self) -> dict[str, float]:
        """The measurements to log."""
        seconds = [epoch["seconds"] for epoch in self.epochs]
        found = {
            "epochs_trained": len(seconds),
            "seconds_first_epoch": seconds[0],
            "seconds_per_epoch": float(np.median(seconds[1:] or seconds)),  # the first compiles
        }
        return found if self.best_epoch is None else found | {"best_epoch": self.best_epoch}


def require_finite(network: keras.Model) -> None:
    """Looks at the weights that are kept.

    Raises:
        TrainingError: They are no finite numbers.
    """
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise TrainingError("the weights are not finite after the last epoch; try a smaller fit.learning_rate")


def history_of(epochs: list[dict[str, float]], best: BestWeights | None, config: Fit, seconds: float) -> History:
    """What came out, after a line that tells of it.

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
