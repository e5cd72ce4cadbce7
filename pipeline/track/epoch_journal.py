"""Writes the values of epochs to the journal."""

import time
from collections.abc import Mapping

from pipeline.track.spool.journal import Journal

PLAIN = ("loss", "val_loss", "learning_rate")  # the others are `epoch_*`: MLflow shows a metric's highest step


class Epochs:
    """Writes the losses, metrics and learning rate of each epoch.

    Of a constant learning rate only the first and last values are written: a chart connects them.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rate: list[str | float] | None = None  # the last value, if it is not written yet
        self._last_rate: float | None = None

    def log(self, epoch: int, values: Mapping[str, float]) -> None:
        """Writes the values of an epoch.

        Args:
            epoch: Number of the epoch.
            values: By name.
        """
        now, written = int(time.time() * 1000), []
        for name, value in values.items():
            metric: list[str | float] = [name if name in PLAIN else f"epoch_{name}", value, now, epoch]
            if name == "learning_rate" and value == self._last_rate:
                self._rate = metric
                continue
            if name == "learning_rate":
                self.end()
                self._last_rate = value
            written.append(metric)
        self._journal.log(written)

    def end(self) -> None:
        """Writes the last value of the learning rate."""
        if self._rate is not None:
            self._journal.log([self._rate])
            self._rate = None
