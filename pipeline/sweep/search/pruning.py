"""Reports a trial's epochs to its study, from whichever process or machine runs the trial."""

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

    It reports the best value so far, because early stopping restores the best weights. If the objective is not
    measured each epoch, it reports the validation loss.

    Args:
        config: Of the trial.
        storage: Address of the storage.
        study: Name of the study.
        number: Number of the trial in the study.
    """

    def __init__(self, config: Config, storage: str, study: str, number: int) -> None:
        loaded = optuna.load_study(
            study_name=study,
            storage=opened(storage),
            sampler=RandomSampler(),  # never used: the values are already drawn
            pruner=pruner_of(config.search, config.fit.epochs),
        )
        self._trial = optuna.Trial(loaded, loaded.get_trials(deepcopy=False)[number]._trial_id)
        self._minimizes = loaded.direction == StudyDirection.MINIMIZE
        self._name = config.objective
        self._best: float | None = None

    def report(self, epoch: int, values: Mapping[str, float]) -> None:
        """Reports an epoch.

        Args:
            epoch: Number of the epoch.
            values: Losses and metrics by name.

        Raises:
            Pruned: The trial is not among the better ones at that epoch.
        """
        self.keep(epoch, values)
        if self._trial.should_prune():
            raise Pruned(f"after epoch {epoch}: {self._best:.5g} is not among the better ones")

    def recall(self, epoch: int, values: Mapping[str, float]) -> None:
        """Reports an epoch of a resumed trial, which was not pruned then.

        Args:
            epoch: Number of the epoch.
            values: Losses and metrics by name.
        """
        self.keep(epoch, values)
        self._trial.should_prune()  # successive halving records the epochs at which it is called

    def keep(self, epoch: int, values: Mapping[str, float]) -> None:
        """Reports an epoch without asking whether to prune.

        Args:
            epoch: Number of the epoch.
            values: Losses and metrics by name.
        """
        sign = 1 if self._minimizes else -1
        value = values[self._name] if self._name in values else sign * values["val_loss"]
        if self._best is None or sign * value < sign * self._best:
            self._best = value
        self._trial.report(self._best, epoch)
