"""Runs of trials that are trained as one network: shared parts are computed once, and each trial has its own run."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.config import Config
from pipeline.config.rules import chosen_baselines
from pipeline.runtime.clock import Clock
from pipeline.runtime.startup import tell_of_tensorflow
from pipeline.sweep.trial import SweepTrial
from pipeline.train import Prepared, Result, Trained, build, finish, import_stages, preprocess, result_of, score

if TYPE_CHECKING:
    from pipeline.data import Dataset, Preprocessing, Rows
    from pipeline.evaluate.baselines import BackgroundFit
    from pipeline.export import Assembled
    from pipeline.export.calibration_values import Learned
    from pipeline.fit import History
    from pipeline.fit.packed import Job, Pack

log = logging.getLogger(__name__)

Network = Any  # a keras.Model
Shapes = tuple[tuple[int, ...], ...]  # of its weights

DRAWN = ("auto", "random", "stratified", "group", "kfold", "group_kfold")  # kinds of splits that depend on a seed


def why_alone(config: Config) -> str | None:
    """Returns why a trial must train alone; None if it can be packed."""
    from pipeline import track

    track.expect(config.tracking)  # a worker imports MLflow while this process imports TensorFlow
    tell_of_tensorflow()
    import_stages()
    from pipeline.fit.packed import why_alone

    if config.data.streaming == "on":
        return "data.streaming=on"
    return why_alone(config.model, config.fit)


def packs(configs: Sequence[Config], n_most: int) -> list[list[int]]:
    """Divides trials into packs, each of the same rows and networks that are alike but for values and sizes.

    Args:
        configs: Of the trials, none of which must train alone.
        n_most: Maximum size of a pack.

    Returns:
        Indices of trials, ascending in each pack; a pack can be a single trial.
    """
    from pipeline.fit.packed import packs, shape

    alike: dict[str, list[int]] = {}
    for index, config in enumerate(configs):
        key = json.dumps([rows_of(config), shape(config.model, config.fit)])
        alike.setdefault(key, []).append(index)
    return [
        sorted(those[index] for index in pack)
        for those in alike.values()
        for pack in packs([configs[index].model.units for index in those], n_most)
    ]


def rows_of(config: Config) -> str:
    """Returns a key of the settings that determine the rows of a trial."""
    values: dict[str, Any] = config.data.model_dump()
    split = config.data.split
    drawn = split.kind in DRAWN and not (split.kind == "auto" and split.path is not None)
    if not drawn and config.decision.calibration is None:  # calibration rows are always drawn
        del values["split"]["seed"]
    return json.dumps([values, config.decision.model_dump()], sort_keys=True)


class Shared:
    """What trials with the same rows share.

    Args:
        resources: Resources that outlive the trials are entered here.
    """

    def __init__(self, resources: contextlib.ExitStack) -> None:
        self._resources = resources
        self._dataset: Dataset | None = None
        self._prepared: Prepared | None = None
        self._beside: dict[str, BackgroundFit] = {}
        self._common: dict[Shapes, Network] = {}
        self._assembled: dict[Shapes, Assembled] = {}

    def prepare(self, config: Config, trial: SweepTrial) -> Prepared:
        """Like `pipeline.train.prepare`, but reads the rows and fits preprocessing only for the first trial.

        Args:
            config: Of the trial.
            trial: The trial.
        """
        from pipeline import data, evaluate

        clock = Clock()
        if self._dataset is None:
            self._dataset = data.load(config.data, config.decision.calibration)
        trial.begins(config, self._dataset)
        objective = evaluate.check(config, self._dataset)
        if self._prepared is None:
            self._prepared = preprocess(config, self._dataset, objective, trial, clock)
        return replace(self._prepared, objective=objective, clock=clock)

    def pack(self, jobs: Sequence[Job]) -> Pack:
        """Packs networks on these rows; their compilation starts here."""
        from pipeline.fit.packed import Pack

        assert self._prepared is not None, "prepare comes first"
        prepared = self._prepared
        scale = prepared.preprocessing.outputs.units_per_scaled
        task = prepared.dataset.rows.target.task
        return Pack(jobs, prepared.train, prepared.val, task=task, output_scale=scale)

    def beside(self, config: Config) -> BackgroundFit:
        """Returns the background fit of the baselines on these rows."""
        from pipeline.evaluate import baselines

        assert self._prepared is not None, "prepare comes first"
        key = json.dumps([chosen_baselines(config), config.baseline_seconds])
        if key not in self._beside:
            self._beside[key] = self._resources.enter_context(baselines.in_background(config, self._prepared.dataset))
        return self._beside[key]

    def filled(self, network: Network) -> Network:
        """Copies the weights of a network into a common one of its shape, for which functions are traced once."""
        shapes = _shapes(network)
        if shapes not in self._common:
            self._common[shapes] = network
        self._common[shapes].set_weights(network.get_weights())
        return self._common[shapes]

    def assemble(self, rows: Rows, preprocessing: Preprocessing, network: Network, learned: Learned) -> Assembled:
        """Like `pipeline.export.assemble`, but only once for the common network.

        Args:
            rows: The rows.
            preprocessing: Their preprocessing.
            network: From `filled`, or another one.
            learned: What was fitted after training.
        """
        from pipeline import export
        from pipeline.export.assemble import UNLEARNED

        shapes = _shapes(network)
        if network is not self._common.get(shapes) or learned != UNLEARNED:
            return export.assemble(rows, preprocessing, network, learned)
        if shapes not in self._assembled:
            self._assembled[shapes] = export.assemble(rows, preprocessing, network, learned)
        return self._assembled[shapes]


def story(shared: Shared) -> Callable[[Config, SweepTrial], Generator[Any, Any, Result]]:
    """Returns `pipeline.train.run` for trials with the same rows.

    It yields the job to train; when its run is open, the report of its epochs, and receives the history; and once more
    when it is scored and only the store has still to receive its run.
    """

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
        yield Job(network, config.fit, config.seed)
        prepared.clock.skip()
        beside = shared.beside(config)
        about = trial.tags | {"device": fit.describe_devices(), "objective": prepared.objective}
        with track.start(config, prepared.dataset, about=about) as tracked:
            tracked.log_report(prepared.report)
            prepared.clock.lap("open_run")
            history = yield trial.watching(tracked.log_epoch)
            prepared.clock.took("fit", sum(epoch["seconds"] for epoch in history.epochs))
            trained = Trained(shared.filled(network), history, tracked)
            scored = score(config, prepared, trained, beside, shared.assemble)
            # Ships its own network: the common one may have other dropout layers.
            shipped = trial.ship(config, prepared, replace(trained, network=network), scored)
            tracked.send()
            yield
        return result_of(prepared, trained, scored, shipped)

    return together


def _shapes(network: Network) -> Shapes:
    return tuple(tuple(variable.shape) for variable in network.weights)


def _why_by_itself(network: Network, prepared: Prepared) -> str | None:
    """Returns why a network must train alone, by its rows; None if it can be packed."""
    from pipeline.data import InMemory
    from pipeline.fit.packed import layers_of

    if not isinstance(prepared.dataset, InMemory):
        return "its rows are on disk"
    return None if layers_of(network) else "it has other layers than dense ones and embeddings"
