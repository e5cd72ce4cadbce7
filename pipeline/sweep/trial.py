"""A trial of a sweep: what happens around its run, so that nothing that is done already is done again."""

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
from pipeline.sweep.identity import replica_key, trial_key
from pipeline.sweep.progress import swept_words
from pipeline.sweep.search.outcome import TRIAL_VARIABLE
from pipeline.train import EpochReport, Prepared, Scored, Shipped, Trained, Trial

if TYPE_CHECKING:
    from pipeline.data import Dataset
    from pipeline.sweep.search.pruning import Pruning
    from pipeline.track import FinishedTrial


class Finished(Exception):  # noqa: N818 - not an error: there is nothing left to do
    """The trial was finished, or pruned, before."""

    def __init__(self, done: FinishedTrial) -> None:
        super().__init__(done.run_id)
        self.done = done


class TrialTaken(Exception):  # noqa: N818 - not an error either
    """Another process is at work on the trial."""


class SweepTrial(Trial):
    """A job of a sweep, which other jobs, processes or earlier commands may have done already."""

    def __init__(self, parent: str, overrides: Sequence[str], resources: contextlib.ExitStack) -> None:
        """Takes what outlives the run, such as its claim on the trial, with it into `resources`."""
        super().__init__()
        self._own, self.tags = overrides, {"overrides": " ".join(overrides)}
        self._parent, self._resources = parent, resources
        self._study = json.loads(os.environ.get(TRIAL_VARIABLE) or "null")
        self._pruning: Pruning | None = None

    @property
    def is_searched(self) -> bool:
        """Whether a study wants to know what it comes to."""
        return self._study is not None

    @property
    def name(self) -> str:
        """What distinguishes it from the others."""
        return self._study["searched"] if self._study else swept_words(self._own)

    def may_begin(self, config: Config) -> None:
        """Asked first of all.

        Raises:
            SweepError: Too many trials have failed.
        """
        from pipeline import track

        most = config.sweep.max_failures
        if most is not None and track.n_failed(config.tracking, self._parent) >= most:
            raise SweepError(f"not started: {most} trials have failed (sweep.max_failures)")

    def begins(self, config: Config, dataset: Dataset) -> None:
        """Claims the trial.

        Raises:
            Finished: There is a run of it already.
            Elsewhere: Another process is at work on it.
        """
        from pipeline import track

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
        """Reports, then asks whether the trial is worth going on with."""
        pruning = self._pruning
        if pruning is None:
            return report

        def report_and_compare(epoch: int, values: Mapping[str, float]) -> None:
            report(epoch, values)
            pruning.report(epoch, values)

        return report_and_compare

    def recalling(self, report: EpochReport) -> EpochReport:
        """Reports, and tells the study again: a trial that is taken up is a new attempt there."""
        pruning = self._pruning
        if pruning is None:
            return report

        def report_and_recall(epoch: int, values: Mapping[str, float]) -> None:
            report(epoch, values)
            pruning.recall(epoch, values)

        return report_and_recall

    def ship(self, config: Config, prepared: Prepared, trained: Trained, scored: Scored) -> Shipped:
        """Makes a model, or keeps what one can be made of later."""
        if config.sweep.keep == "all":
            return super().ship(config, prepared, trained, scored)
        return light_trials.keep(prepared, trained)

    def _claims(self, config: Config, key: str) -> bool:
        """Whether no other process has the trial, on this machine or another.

        A study has other trials for whoever does not wait, but it must know what this one comes to.
        """
        from pipeline import track

        if not self._resources.enter_context(claimed(f"{self._parent}-{key}", wait=self.is_searched)):
            return False
        return self.is_searched or self._resources.enter_context(track.claimed(config.tracking, self._parent, key))

    def _tell_again(self, config: Config, done: FinishedTrial) -> None:
        """Tells the study the epochs of a run that was finished before it could be told what that came to."""
        if self._pruning is None or done.pruned:
            return
        from pipeline import track

        epochs = track.epochs_of(config.tracking, done.run_id, f"epoch_{config.objective}")
        name = config.objective if epochs else "val_loss"
        for epoch, value in epochs or track.epochs_of(config.tracking, done.run_id, name):
            self._pruning.keep(epoch, {name: value})
