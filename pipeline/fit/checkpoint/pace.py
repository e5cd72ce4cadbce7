"""Decides when a checkpoint is due."""

from __future__ import annotations

from pipeline.config.rules import Fit

MAX_SHARE = 0.02  # of the training time, for all checkpoints
SHORT_SECONDS = 60.0  # shorter trainings start over, unless fit.checkpoint=true
SECONDS_BETWEEN = 1.0  # minimum from one checkpoint to the next


class Pace:
    """Decides when a checkpoint is due: in long trainings, and only as often as MAX_SHARE of the time allows.

    Args:
        config: The fit section.
        before: Seconds of training by earlier processes of the run.
        now: Time in seconds; later calls use the same clock.
    """

    def __init__(self, config: Fit, before: float, now: float) -> None:
        self._config, self._before = config, before
        self._begun = self._last = now
        self._spent = self._cost = 0.0
        self._is_long = config.checkpoint is True or before > 0

    def seconds(self, now: float) -> float:
        """Returns the seconds of training of all processes of the run."""
        return self._before + now - self._begun

    def is_due(self, n_epochs: int, last_epoch: float, now: float) -> bool:
        """Whether to write a checkpoint now.

        Args:
            n_epochs: Number of finished epochs.
            last_epoch: Seconds of the last epoch.
            now: Time in seconds.
        """
        left = 0 if n_epochs == 1 else self._config.epochs - n_epochs  # the first compiles: no estimate
        if not self.is_long(now, left * last_epoch):
            return False
        affordable = self._spent + self._cost <= MAX_SHARE * (now - self._begun)
        return affordable and now - self._last >= SECONDS_BETWEEN

    def is_long(self, now: float, left: float = 0.0) -> bool:
        """Whether training is long enough for checkpoints; once True, it stays True.

        Args:
            now: Time in seconds.
            left: Estimate of the remaining seconds, an upper bound.
        """
        if self._config.checkpoint is False:
            return False
        most = float("inf") if self._config.max_minutes is None else 60 * self._config.max_minutes
        self._is_long |= min(self.seconds(now) + left, most) > SHORT_SECONDS
        return self._is_long

    def written(self, cost: float, now: float) -> None:
        """Records a written checkpoint.

        Args:
            cost: Its seconds, in the training thread and in the background.
            now: Time in seconds.
        """
        self._spent += cost
        self._cost, self._last = cost, now
