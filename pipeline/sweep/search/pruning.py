"""What a trial tells its study epoch by epoch, from whichever process or machine it runs in."""

from __future__ import annotations

from collections.abc import Mapping

import optuna
from optuna.samplers import RandomSampler
from optuna.study import StudyDirection

from pipeline.config import Config
from pipeline.errors import Pruned
from pipeline.sweep.search.samplers import pruner_of
from pipeline.sweep.search.storage import opened


class Pruning:
    """Compares a trial with the others at the same epoch.

    Told is the best value so far: that is what early stopping keeps. Where the objective is no value of epochs, the
    validation loss decides.
    """

    def __init__(self, config: Config, storage: str, study: str, number: int) -> None:
        loaded = optuna.load_study(
            study_name=study,
            storage=opened(storage),
            sampler=RandomSampler(),  # asked for nothing
            pruner=pruner_of(config.search, config.fit.epochs),
        )
        self._trial = optuna.Trial(loaded, loaded.get_trials(deepcopy=False)[number]._trial_id)
        self._minimizes = loaded.direction == StudyDirection.MINIMIZE
        self._name = config.objective
        self._best: float | None = None

    def report(self, epoch: int, values: Mapping[str, float]) -> None:
        """Tells an epoch's value.

        Raises:
            Pruned: Others were better at that epoch.
        """
        self.keep(epoch, values)
        if self._trial.should_prune():
            raise Pruned(f"after epoch {epoch}: {self._best:.5g} is not among the better ones")

    def recall(self, epoch: int, values: Mapping[str, float]) -> None:
        """Tells the value of an epoch after which the trial went on, before its process died."""
        self.keep(epoch, values)
        self._trial.should_prune()  # successive halving notes at which epochs it was asked

    def keep(self, epoch: int, values: Mapping[str, float]) -> None:
        """Tells an epoch's value and asks nothing."""
        sign = 1 if self._minimizes else -1
        value = values[self._name] if self._name in values else sign * values["val_loss"]
        if self._best is None or sign * value < sign * self._best:
            self._best = value
        self._trial.report(self._best, epoch)
