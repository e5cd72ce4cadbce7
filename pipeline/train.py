"""Runs one experiment from a table to an exported model, in four parts that can be called separately."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.config import Config
from pipeline.runtime.clock import Clock
from pipeline.runtime.startup import import_tensorflow, importing, tell_of_tensorflow

if TYPE_CHECKING:
    import keras
    import numpy as np

    from pipeline.data import Arrays, Dataset, Preprocessing, Report, Rows
    from pipeline.evaluate import Evaluation
    from pipeline.evaluate.baselines import BackgroundFit, BaselineComparison
    from pipeline.evaluate.confusion import BinaryDecisions
    from pipeline.evaluate.leaderboard import LeaderboardRow
    from pipeline.export import Assembled, Decided
    from pipeline.export.calibration_values import Learned
    from pipeline.fit import History, Snapshot
    from pipeline.track import Run

    Assemble = Callable[[Rows, Preprocessing, keras.Model, Learned], Assembled]

EpochReport = Callable[[int, Mapping[str, float]], None]  # called with an epoch's number, from 1, and its values


class Trial:
    """Hooks of a run: a single run needs none; a trial of a sweep is claimed, skipped or pruned by them."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}

    def begins(self, config: Config, dataset: Dataset) -> None:
        """Called when the data are loaded, before any long computation.

        Args:
            config: The experiment.
            dataset: Its rows.
        """
        from pipeline import track
        from pipeline.evaluate.run_plots import DRAWN_BY

        track.expect_module(DRAWN_BY)  # `ship` will have the worker draw

    def fitted(self, config: Config, dataset: Dataset) -> Preprocessing:
        """Returns the preprocessing, fitted on the training rows.

        Args:
            config: The experiment.
            dataset: Its rows.
        """
        return dataset.fit(config.data)

    def watching(self, report: EpochReport) -> EpochReport:
        """Wraps the report that is called after each epoch."""
        return report

    def after_epoch(self) -> Callable[[Snapshot], None] | None:
        """Returns what takes the network as it is after each epoch, which costs a prediction of the validation rows."""
        return None

    def recalling(self, report: EpochReport) -> EpochReport:
        """Wraps the report that is called for the earlier epochs of a resumed run."""
        return report

    def ship(self, config: Config, prepared: Prepared, trained: Trained, scored: Scored) -> Shipped:
        """Exports the scored network.

        Args:
            config: The experiment.
            prepared: Its data.
            trained: Its network.
            scored: Its model and scores.
        """
        return ship(config, prepared, trained, scored)


SINGLE_RUN = Trial()


@dataclass(frozen=True)
class Prepared:
    """What a network is trained on. Runs with the same data, split, preprocessing and calibration rows can share it."""

    dataset: Dataset
    preprocessing: Preprocessing
    train: Arrays
    val: Arrays
    report: Report
    objective: str  # the score by which runs are compared
    clock: Clock
    embedded_by: Arrays | None = None  # rows to fit embeddings of numbers on; None: training rows


@dataclass(frozen=True)
class Trained:
    """A trained network and its open run, to which the results are logged."""

    network: keras.Model
    history: History
    tracked: Run
    # (n_train + n_val, n_outputs) predictions for the training and then the validation rows, each by networks that were
    # not trained on that row; None if the network was not trained on validation rows.
    held_out: np.ndarray | None = None
    networks: Sequence[LeaderboardRow] = ()  # candidates of an ensemble, best first


@dataclass(frozen=True)
class Scored:
    """The model from raw rows to original units, and its scores."""

    decided: Decided
    assembled: Assembled
    found: Evaluation  # on every split
    beaten: BaselineComparison  # comparison with the baselines
    decisions: BinaryDecisions | None  # for two classes: errors of either kind by threshold
    advice: str | None  # what to try next


@dataclass(frozen=True)
class Shipped:
    """Duration and accuracy of an export."""

    seconds: dict[str, float]  # `seconds_export`, ...
    difference: float | None  # between SavedModel and pipeline, in scaled units; None without an export


@dataclass(frozen=True)
class Result:
    """The result of a run."""

    scores: dict[str, float]  # final `train_*`, `val_*`, `test_*` and `gap_*`, in the target's own units
    objective: float  # the score that `objective` names
    run_id: str
    model_path: str | None  # of the SavedModel: a folder, or an address in a remote store; None without one
    store: str  # address of the tracking store
    seconds: dict[str, float]  # duration of each part: `seconds_fit`, `seconds_export`, ...
    n_parameters: int
    export_difference: float | None  # of the SavedModel from the pipeline's own predictions, in scaled units
    baselines: BaselineComparison  # comparison with the baselines
    decisions: BinaryDecisions | None  # for two classes: errors of either kind by threshold
    advice: str | None  # what to try next

    @property
    def measured(self) -> dict[str, float]:
        """All values that a sweep can use as objectives, by their names in MLflow."""
        own = {name: getattr(self, name) for name in ("objective", "n_parameters", "export_difference")}
        return self.scores | self.seconds | {name: float(value) for name, value in own.items() if value is not None}


def run(config: Config, trial: Trial = SINGLE_RUN) -> Result:
    """Runs one experiment, from raw rows to a tracked run and a verified SavedModel.

    Args:
        config: The experiment.
        trial: Hooks of a sweep.

    Raises:
        PipelineError: The data, the config or the training is at fault; the message says what to do.

    Example:
        >>> from pipeline import load, run
        >>> result = run(load("data=iris", "model.units=[16]", "fit.epochs=2"))
        >>> 0 <= result.scores["test_accuracy"] <= 1
        True
        >>> result.n_parameters  # 4 inputs, 16 units, 3 classes
        131
    """
    return finish(config, prepare(config, trial), trial)


def finish(config: Config, prepared: Prepared, trial: Trial = SINGLE_RUN) -> Result:
    """Trains, scores and exports: the part of a run after `prepare`.

    Args:
        config: The experiment.
        prepared: Its data.
        trial: Hooks of a sweep.

    Raises:
        PipelineError: The config or the training is at fault.
    """
    from pipeline.evaluate import baselines

    with baselines.in_background(config, prepared.dataset) as beside, train(config, prepared, trial) as trained:
        scored = score(config, prepared, trained, beside)
        shipped = trial.ship(config, prepared, trained, scored)
    return result_of(prepared, trained, scored, shipped)


def result_of(prepared: Prepared, trained: Trained, scored: Scored, shipped: Shipped) -> Result:
    """Returns the result of a run; call it after the run has ended, when its id and address are final.

    Args:
        prepared: Data of the run.
        trained: Its network.
        scored: Its scores.
        shipped: Its export.
    """
    scores, tracked = scored.found.scores, trained.tracked
    where, seconds = (tracked.id, tracked.model_path, tracked.uri), prepared.clock.seconds | shipped.seconds
    sizes = (trained.network.count_params(), shipped.difference)
    objective, reported = scores[prepared.objective], (scored.decisions, scored.advice)
    return Result(scores, objective, *where, seconds, *sizes, scored.beaten, *reported)


def import_stages() -> None:
    """Imports the modules for training, which takes seconds; a process that forks workers does it once for all."""
    import_tensorflow()
    with importing():
        from pipeline import export, fit, model  # noqa: F401
        from pipeline.evaluate import sparsity  # noqa: F401
        from pipeline.export import card  # noqa: F401
        from pipeline.track import start_run  # noqa: F401


def prepare(config: Config, trial: Trial = SINGLE_RUN) -> Prepared:
    """Reads, splits and checks the rows, and fits preprocessing on the training rows.

    Args:
        config: The experiment.
        trial: Hooks of a sweep.

    Raises:
        PipelineError: The data are at fault, or the config does not suit them.
    """
    from pipeline import track

    track.expect(config.tracking)  # a worker imports MLflow meanwhile
    with importing():
        from pipeline import data, evaluate

    clock = Clock()
    dataset = data.load(config.data, config.decision.calibration)
    trial.begins(config, dataset)
    objective = evaluate.check(config, dataset)
    return preprocess(config, dataset, objective, trial, clock)


def preprocess(config: Config, dataset: Dataset, objective: str, trial: Trial, clock: Clock) -> Prepared:
    """Fits preprocessing and checks the rows: the second half of `prepare`.

    Args:
        config: The experiment.
        dataset: Its rows.
        objective: Score by which runs are compared.
        trial: Hooks of a sweep.
        clock: Started before the rows were read.
    """
    from pipeline import data

    dataset = data.without_useless(dataset, config.data)
    preprocessing = trial.fitted(config, dataset)
    preprocessing.check(dataset.rows)
    train, val = dataset.arrays(preprocessing)
    clock.lap("data")
    report = data.report(dataset, preprocessing.inputs.kinds, config.data.drop)
    clock.lap("report")
    return Prepared(dataset, preprocessing, train, val, report, objective, clock)


def build(config: Config, prepared: Prepared) -> keras.Model:
    """Builds a network for the rows, with initial weights.

    Args:
        config: The experiment.
        prepared: Its data.

    Raises:
        ConfigError: The section `model` does not suit the task.
    """
    from pipeline import model

    preprocessing, target = prepared.preprocessing, prepared.dataset.rows.target
    fitted_on = prepared.embedded_by or prepared.train
    rows = model.TrainingRows(fitted_on.x, fitted_on.y, preprocessing.inputs.numbers)
    return model.build(config.model, **preprocessing.sizes(target), rows=rows)


@contextlib.contextmanager
def train(config: Config, prepared: Prepared, trial: Trial = SINGLE_RUN) -> Iterator[Trained]:
    """Builds, compiles and fits a network, or resumes its training. Its run is open until the context ends.

    Args:
        config: The experiment.
        prepared: Its data.
        trial: Hooks of a sweep.

    Raises:
        PipelineError: The config does not suit the data, the store cannot be used, or training fails.
    """
    task, clock = prepared.dataset.rows.target.task, prepared.clock
    tell_of_tensorflow()
    import_stages()  # only after config and data have been checked
    from pipeline import fit, track

    clock.lap("import")
    fit.seed(config.seed)
    with fit.scope(config.fit), fit.memory_error_explained():
        network = build(config, prepared)
        scale, n_rows = prepared.preprocessing.outputs.units_per_scaled, len(prepared.train.x)
        trainable = fit.compile_network(network, config.fit, task=task, n_rows=n_rows, output_scale=scale)
    clock.lap("build")

    about = trial.tags | {"device": fit.describe_devices(), "objective": prepared.objective}
    with (
        fit.keeping(config, prepared.dataset, trainable, track.parent_run_id()) as kept,
        track.start(
            config, prepared.dataset, about, resumes=kept.run_id, is_known=kept.is_known, new_id=kept.new_id
        ) as tracked,
    ):
        tracked.log_report(prepared.report)
        kept.begin(tracked.id, trial.recalling(tracked.log_epoch))
        clock.lap("open_run")
        history = fit.fit(
            trainable, prepared.train, prepared.val, config.fit, seed=config.seed,
            report=trial.watching(tracked.log_epoch), keeping=kept, after_epoch=trial.after_epoch(),
        )  # fmt: skip
        clock.lap("fit", before=kept.seconds)
        yield Trained(network, history, tracked)


def score(
    config: Config, prepared: Prepared, trained: Trained, beside: BackgroundFit, assemble: Assemble | None = None
) -> Scored:
    """Assembles the model from raw rows to original units, scores *that* on every split and logs the results.

    Args:
        config: The experiment.
        prepared: Its data.
        trained: Its network.
        beside: The background fit of the baselines on the same rows.
        assemble: Assembles the model; None uses `export.assemble`.

    Raises:
        PipelineError: A score cannot be computed, or the store cannot be used.
    """
    from pipeline import data, evaluate, export
    from pipeline.evaluate import baselines, sparsity
    from pipeline.evaluate.advice import advice
    from pipeline.evaluate.confusion import binary_decisions
    from pipeline.evaluate.description import description

    dataset, preprocessing, clock = prepared.dataset, prepared.preprocessing, prepared.clock
    network, history, tracked = trained.network, trained.history, trained.tracked
    held_out, arrays = trained.held_out, (prepared.train, prepared.val)
    out_of_fold = export.out_of_fold(config, dataset, preprocessing, *arrays, held_out)
    decided = export.decide(config.decision, dataset, preprocessing, network, held_out, out_of_fold)
    assembled = (assemble or export.assemble)(dataset.rows, preprocessing, decided.network, decided.learned)
    found = evaluate.evaluate(assembled, dataset, assembled.made_of(decided.held_out))
    clock.lap("evaluate")
    beaten = baselines.compare_with_baselines(beside.collect(), found, config, len(history.epochs), history.best_epoch)
    clock.lap("baselines")
    learnt = sparsity.measure(network, preprocessing.inputs.names)
    tracked.log_inputs(learnt.of_inputs)
    scores = found.scores | {"objective": found.scores[prepared.objective]}
    measured = history.summary() | learnt.counts | decided.summary() | found.clamped | beaten.metrics
    tracked.log_final(scores | clock.seconds | measured)
    epochs = len(history.epochs), history.best_epoch
    hint = data.leak_advice(prepared.report) or beaten.advice or advice(config, *epochs, found.scores)
    about = {"run_id": tracked.id, "n_parameters": network.count_params(), "epochs": epochs, "advice": hint}
    tracked.describe(description(config, dataset, found.scores, beaten, **about))
    decisions = binary_decisions(config.decision, found, decided.learned.threshold)
    return Scored(decided, assembled, found, beaten, decisions, hint)


def ship(config: Config, prepared: Prepared, trained: Trained, scored: Scored) -> Shipped:
    """Writes the model card, exports, verifies and logs the model; the worker draws the plots meanwhile.

    Args:
        config: The experiment.
        prepared: Its data.
        trained: Its network.
        scored: The assembled model, with its scores.

    Raises:
        PipelineError: The export differs from the pipeline, or the store cannot be used.
    """
    from pipeline import data, export
    from pipeline.evaluate.run_plots import RunPlots
    from pipeline.export import card

    dataset, preprocessing, clock = prepared.dataset, prepared.preprocessing, Clock()
    assembled, found, history, tracked = scored.assembled, scored.found, trained.history, trained.tracked
    tracked.start_drawing(RunPlots.of(history.epochs, history.best_epoch, found))
    pages = card.write(config, dataset, assembled, history, found, scored.beaten, tracked.id, trained.networks)
    clock.lap("card")
    with tracked.writing_model(dataset.rows) as exported:
        export.save(assembled, exported, tracked.id, data.Reading.of(config.data), pages)
    difference = export.verify(exported, dataset.part("val"), preprocessing, scored.decided.network)
    clock.lap("export")
    tracked.log_pictures()
    clock.lap("pictures")
    tracked.log_saved_model()
    # The networks of a cross-validated ensemble were trained on validation rows too.
    tracked.log_training_rows(data.RowHashes.of(dataset, ("train", "val")[: 1 + (trained.held_out is not None)]))
    clock.lap("log_model")
    tracked.log_final(clock.seconds | {"export_difference": difference})
    return Shipped(clock.seconds, difference)
