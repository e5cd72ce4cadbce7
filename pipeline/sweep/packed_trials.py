"""Runs of trials that are trained as one: what they share is made once, and each is a run of its own."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.config import Config
from pipeline.config.rules import chosen_baselines
from pipeline.runtime.clock import Clock
from pipeline.sweep.trial import SweepTrial
from pipeline.train import Prepared, Result, Trained, build, finish, import_stages, preprocess, result_of, score

if TYPE_CHECKING:
    from pipeline.data import Dataset, Preprocessing, Rows
    from pipeline.evaluate.baselines import BackgroundFit
    from pipeline.export import Assembled
    from pipeline.export.calibration_values import Learned
    from pipeline.fit import History
    from pipeline.fit.packed import Job

log = logging.getLogger(__name__)

Network = Any  # a keras.Model

DRAWN = ("auto", "random", "stratified", "group", "kfold", "group_kfold")  # kinds of splits that a seed draws


def why_alone(config: Config) -> str | None:
    """Why a trial trains alone; None where it can train with others."""
    from pipeline.fit.packed import why_alone

    if config.data.streaming == "on":
        return "data.streaming=on"
    return why_alone(config.model, config.fit)


def kind(config: Config) -> str:
    """What trials that train as one have alike: data and split, and the shape of the network."""
    from pipeline.fit.packed import shape

    return json.dumps([rows_of(config), shape(config.model, config.fit)])


def rows_of(config: Config) -> str:
    """What the rows of a trial follow from."""
    values: dict[str, Any] = config.data.model_dump()
    split = config.data.split
    drawn = split.kind in DRAWN and not (split.kind == "auto" and split.path is not None)
    if not drawn and config.decision.calibration is None:  # whose rows are drawn in any case
        del values["split"]["seed"]
    return json.dumps([values, config.decision.model_dump()], sort_keys=True)


class Shared:
    """What trials of the same rows share.

    Args:
        resources: What outlives them goes in here.
    """

    def __init__(self, resources: contextlib.ExitStack) -> None:
        self._resources = resources
        self._dataset: Dataset | None = None
        self._prepared: Prepared | None = None
        self._beside: dict[str, BackgroundFit] = {}
        self._template: Network | None = None
        self._assembled: Assembled | None = None

    def prepare(self, config: Config, trial: SweepTrial) -> Prepared:
        """As `pipeline.train.prepare`; the rows are read, and preprocessing is fitted, for the first trial."""
        from pipeline import data, evaluate

        clock = Clock()
        if self._dataset is None:
            self._dataset = data.load(config.data, config.decision.calibration)
        trial.begins(config, self._dataset)
        objective = evaluate.check(config, self._dataset)
        if self._prepared is None:
            self._prepared = preprocess(config, self._dataset, objective, trial, clock)
        return replace(self._prepared, objective=objective, clock=clock)

    def train(self, jobs: Sequence[Job]) -> Iterator[tuple[int, History | Exception]]:
        """Trains networks on these rows as one; see `train_packed`."""
        from pipeline.fit.packed import train_packed

        if not jobs:
            return iter(())
        assert self._prepared is not None, "prepare comes first"
        prepared = self._prepared
        scale = prepared.preprocessing.outputs.units_per_scaled
        task = prepared.dataset.rows.target.task
        return train_packed(jobs, prepared.train, prepared.val, task=task, output_scale=scale)

    def beside(self, config: Config) -> BackgroundFit:
        """The baselines on these rows."""
        from pipeline.evaluate import baselines

        assert self._prepared is not None, "prepare comes first"
        key = json.dumps([chosen_baselines(config), config.baseline_seconds])
        if key not in self._beside:
            self._beside[key] = self._resources.enter_context(baselines.in_background(config, self._prepared.dataset))
        return self._beside[key]

    def filled(self, network: Network) -> Network:
        """A network with the weights of this one, one and the same for all: what is traced for it serves them all."""
        if self._template is None:
            self._template = network
        self._template.set_weights(network.get_weights())
        return self._template

    def assemble(self, rows: Rows, preprocessing: Preprocessing, network: Network, learned: Learned) -> Assembled:
        """As `pipeline.export.assemble`, once for the network that all fill."""
        from pipeline import export
        from pipeline.export.assemble import UNLEARNED

        if network is not self._template or learned != UNLEARNED:
            return export.assemble(rows, preprocessing, network, learned)
        if self._assembled is None:
            self._assembled = export.assemble(rows, preprocessing, network, learned)
        return self._assembled


def story(shared: Shared) -> Callable[[Config, SweepTrial], Generator[Any, Any, Result]]:
    """`pipeline.train.run` for trials of the same rows: gives the job to be trained, and is sent its history."""

    def together(config: Config, trial: SweepTrial) -> Generator[Any, History, Result]:
        prepared = shared.prepare(config, trial)
        import_stages()
        from pipeline import fit, track
        from pipeline.fit.packed import Job

        prepared.clock.lap("import")
        fit.seed_layers(config.seed)
        with fit.memory_error_explained():
            network = build(config, prepared)
        if why := _why_by_itself(network, prepared):
            log.info("trained alone: %s", why)
            return finish(config, prepared, trial)
        prepared.clock.lap("build")
        beside = shared.beside(config)
        about = trial.tags | {"device": fit.describe_devices(), "objective": prepared.objective}
        with track.start(config, prepared.dataset, about=about) as tracked:
            tracked.log_report(prepared.report)
            prepared.clock.lap("open_run")
            history = yield Job(network, config.fit, config.seed, trial.watching(tracked.log_epoch))
            prepared.clock.took("fit", sum(epoch["seconds"] for epoch in history.epochs))
            trained = Trained(shared.filled(network), history, tracked)
            scored = score(config, prepared, trained, beside, shared.assemble)
            # What it keeps is its own network's: that which all fill may have other layers of dropout.
            shipped = trial.ship(config, prepared, replace(trained, network=network), scored)
        return result_of(prepared, trained, scored, shipped)

    return together


def _why_by_itself(network: Network, prepared: Prepared) -> str | None:
    """Why a network trains alone, which its rows tell; None where it can train with others."""
    from pipeline.data import InMemory
    from pipeline.fit.packed import dense_layers

    if not isinstance(prepared.dataset, InMemory):
        return "its rows are read from disk"
    return None if dense_layers(network) else "its inputs are embedded"
