"""A trial of a sweep: claims it, skips it if it is finished, and reports its epochs to the search."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.config import Config
from pipeline.errors import SweepError
from pipeline.sweep import light_trials
from pipeline.sweep.claims import claimed
from pipeline.sweep.current_sweep import is_open_here
from pipeline.sweep.identity import replica_key, trial_key
from pipeline.sweep.progress import swept_words
from pipeline.sweep.search.outcome import TRIAL_VARIABLE
from pipeline.train import EpochReport, Prepared, Scored, Shipped, Trained, Trial

if TYPE_CHECKING:
    from pipeline.data import Dataset
    from pipeline.sweep.search.pruning import Pruning
    from pipeline.track import FinishedTrial


class Finished(Exception):  # noqa: N818 - not an error: the trial is skipped
    """The trial is already finished or pruned."""

    def __init__(self, done: FinishedTrial) -> None:
        super().__init__(done.run_id)
        self.done = done


class TrialTaken(Exception):  # noqa: N818 - not an error: the trial is skipped
    """Another process runs the trial."""


class SweepTrial(Trial):
    """A job of a sweep, whose trial other jobs, processes or earlier commands may already have run."""

    def __init__(self, parent: str, overrides: Sequence[str], resources: contextlib.ExitStack) -> None:
        """Prepares the trial.

        Args:
            parent: Id of the parent run.
            overrides: Of the trial.
            resources: Holds resources that outlive its run, such as the claim.
        """
        super().__init__()
        self._own, self.tags = overrides, {"overrides": " ".join(overrides)}
        self._parent, self._resources = parent, resources
        self._study = json.loads(os.environ.get(TRIAL_VARIABLE) or "null")
        self._pruning: Pruning | None = None

    @property
    def is_searched(self) -> bool:
        """Whether the trial belongs to a search."""
        return self._study is not None

    @property
    def name(self) -> str:
        """The overrides that distinguish the trial."""
        return self._study["searched"] if self._study else swept_words(self._own)

    def may_begin(self, config: Config) -> None:
        """Checks before anything else that the trial may start.

        Raises:
            SweepError: `sweep.max_failures` trials have failed.
        """
        from pipeline import track

        most = config.sweep.max_failures
        if most is not None and track.n_failed(config.tracking, self._parent) >= most:
            raise SweepError(f"not started: {most} trials have failed (sweep.max_failures)")

    def begins(self, config: Config, dataset: Dataset) -> None:
        """Claims the trial.

        Args:
            config: Of the trial.
            dataset: Its rows.

        Raises:
            Finished: The trial already has a finished or pruned run.
            TrialTaken: Another process runs the trial.
        """
        from pipeline import track

        if config.sweep.keep == "all" or (config.sweep.keep == "best" and is_open_here()):
            super().begins(config, dataset)  # this process will export models
        self.tags["sweep_keep"] = config.sweep.keep
        if config.search.objectives:
            self.tags["objectives"] = ", ".join(config.search.objectives)
        key = trial_key(config, dataset)
        self.tags |= {"trial_key": key, "replica_key": replica_key(config, dataset)}
        if not self._claims(config, key):
            raise TrialTaken
        if self._study and config.search.pruner != "none":
            from pipeline.sweep.search.pruning import Pruning

            self._pruning = Pruning(config, self._study["storage"], self._study["study"], self._study["number"])
        done = track.done(config.tracking, self._parent, key)
        if done is not None:
            self._tell_again(config, done)
            raise Finished(done)

    def watching(self, report: EpochReport) -> EpochReport:
        """Wraps the report of an epoch: the search may then prune the trial."""
        pruning = self._pruning
        if pruning is None:
            return report

        def report_and_compare(epoch: int, values: Mapping[str, float]) -> None:
            report(epoch, values)
            pruning.report(epoch, values)

        return report_and_compare

    def recalling(self, report: EpochReport) -> EpochReport:
        """Wraps the report of an epoch before a resume: the search gets it again, for a new attempt."""
        pruning = self._pruning
        if pruning is None:
            return report

        def report_and_recall(epoch: int, values: Mapping[str, float]) -> None:
            report(epoch, values)
            pruning.recall(epoch, values)

        return report_and_recall

    def ship(self, config: Config, prepared: Prepared, trained: Trained, scored: Scored) -> Shipped:
        """Exports a model, or keeps what `make` of light_trials.py needs to export one later.

        Args:
            config: Of the trial.
            prepared: Its data.
            trained: Its network.
            scored: Its model and scores.
        """
        if config.sweep.keep == "all":
            return super().ship(config, prepared, trained, scored)
        return light_trials.keep(prepared, trained)

    def _claims(self, config: Config, key: str) -> bool:
        """Claims the trial on this machine and in the store; False if another process has it.

        A search waits for the other process instead, because it needs the trial's result.
        """
        from pipeline import track

        if not self._resources.enter_context(claimed(f"{self._parent}-{key}", wait=self.is_searched)):
            return False
        return self.is_searched or self._resources.enter_context(track.claimed(config.tracking, self._parent, key))

    def _tell_again(self, config: Config, done: FinishedTrial) -> None:
        """Reports the epochs of a run that finished before its result was written to the study."""
        if self._pruning is None or done.pruned:
            return
        from pipeline import track

        epochs = track.epochs_of(config.tracking, done.run_id, f"epoch_{config.objective}")
        name = config.objective if epochs else "val_loss"
        for epoch, value in epochs or track.epochs_of(config.tracking, done.run_id, name):
            self._pruning.keep(epoch, {name: value})
