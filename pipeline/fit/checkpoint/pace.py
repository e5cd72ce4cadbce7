"""When a checkpoint is due."""

from __future__ import annotations

from pipeline.config.rules import Fit

MAX_SHARE = 0.02  # of the time of training, for all checkpoints
SHORT_SECONDS = 60.0  # what trains no longer is begun anew, unless fit.checkpoint=true
SECONDS_BETWEEN = 1.0  # at least, from one to the next


class Pace:
    """Says when a checkpoint is due: where training is long, and no more often than they cost their share of it.

    Args:
        config: The fit section.
        before: Seconds of training of the process that died, if this one goes on with a run.
        now: Seconds, as all that follow, of one clock.
    """

    def __init__(self, config: Fit, before: float, now: float) -> None:
        self._config, self._before = config, before
        self._begun = self._last = now
        self._spent = self._cost = 0.0
        self._is_long = config.checkpoint is True or before > 0

    def seconds(self, now: float) -> float:
        """Of training, all processes of the run together."""
        return self._before + now - self._begun

    def is_due(self, n_epochs: int, last_epoch: float, now: float) -> bool:
        """Whether to write one now.

        Args:
            n_epochs: That have ended.
            last_epoch: Seconds of the last one.
            now: The time.
        """
        left = 0 if n_epochs == 1 else self._config.epochs - n_epochs  # the first compiles, and says little of others
        if not self.is_long(now, left * last_epoch):
            return False
        affordable = self._spent + self._cost <= MAX_SHARE * (now - self._begun)
        return affordable and now - self._last >= SECONDS_BETWEEN

    def is_long(self, now: float, left: float = 0.0) -> bool:
        """Whether checkpoints are worth their while; once they are, they stay so.

        Args:
            now: The time.
            left: Seconds that training will go on, at most.
        """
        if self._config.checkpoint is False:
            return False
        most = float("inf") if self._config.max_minutes is None else 60 * self._config.max_minutes
        self._is_long |= min(self.seconds(now) + left, most) > SHORT_SECONDS
        return self._is_long

    def written(self, cost: float, now: float) -> None:
        """Takes in how many seconds the last one took, on the training's thread and beside it."""
        self._spent += cost
        self._cost, self._last = cost, now
