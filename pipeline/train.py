"""The story: one experiment from a table to an exported model."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import hydra
from omegaconf import DictConfig

from pipeline import commands, sweep
from pipeline import config as configuration
from pipeline.clock import Clock
from pipeline.config import CONF, Config
from pipeline.startup import import_tensorflow
from pipeline.sweep import ALONE, Trial


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    scores: dict[str, float]  # final `train_*`, `val_*`, `test_*` and `gap_*`, in the target's own units
    objective: float  # the score that `objective` names
    run_id: str
    model_path: str  # of the SavedModel: a folder, or an address in a remote store
    store: str  # address of the tracking store
    seconds: dict[str, float]  # that each part took: `seconds_fit`, `seconds_export`, ...
    n_parameters: int
    export_difference: float  # of the SavedModel from the pipeline's own predictions, in scaled units

    @property
    def measured(self) -> dict[str, float]:
        """All that a sweep may ask for, by the names that MLflow has."""
        own = {name: float(getattr(self, name)) for name in ("objective", "n_parameters", "export_difference")}
        return self.scores | self.seconds | own


def run(config: Config, trial: Trial = ALONE) -> Result:
    """Runs one experiment, from raw rows to a tracked run and a verified SavedModel; `trial` is its part in a sweep.

    Raises:
        PipelineError: The data, the config or the training is at fault; the message says what to do.
    """
    from pipeline import data, evaluate

    clock = Clock()
    rows = data.load(config.data)
    splits = data.split(rows, config.data.split)
    trial.begins(config, rows, splits)
    objective = evaluate.check(config, rows, splits)
    rows = data.without_useless(rows, splits, config.data)
    preprocessing = data.fit_preprocessing(rows.take(splits.train), config.data)
    preprocessing.check(rows)
    train, val = data.arrays(preprocessing, rows, splits)
    clock.lap("data")
    report = data.report(rows, splits, preprocessing.inputs.kinds)
    clock.lap("report")

    # These take seconds to import; by now config and data are known to be right.
    import_tensorflow()
    from pipeline import card, export, fit, model, pictures, track, weights

    clock.lap("import")
    fit.seed(config.seed)
    with fit.scope(config.fit):
        network = model.build(config.model, **preprocessing.sizes(rows.target))
        task, scale = rows.target.task, preprocessing.outputs.units_per_scaled
        trainee = fit.compile_network(network, config.fit, task=task, n_rows=len(train.x), output_scale=scale)
    clock.lap("build")

    about = trial.tags | {"device": fit.describe_devices(), "objective": objective}
    with track.start(config, rows, splits, about=about) as tracked:
        tracked.log_report(report)
        clock.lap("open_run")
        history = fit.fit(trainee, train, val, config.fit, seed=config.seed, report=trial.watching(tracked.log_epoch))
        clock.lap("fit")
        decided = export.decide(config.decision, rows.take(splits.val), preprocessing, network)
        assembled = export.assemble(rows, preprocessing, decided.network, decided.threshold)
        found = evaluate.evaluate(assembled.predict, rows, splits)
        clock.lap("evaluate")
        tracked.log_pictures(pictures.draw(history.epochs, history.best_epoch, found.targets, found.outputs))
        clock.lap("pictures")
        pages = card.write(config, rows, splits, assembled, history, found, tracked.id)
        clock.lap("card")
        with tempfile.TemporaryDirectory() as folder:
            exported = Path(folder) / "saved_model"
            export.save(assembled, exported, tracked.id, data.Reading.of(config.data), pages)
            difference = export.verify(exported, rows.take(splits.val), preprocessing, decided.network)
            clock.lap("export")
            model_path = tracked.log_saved_model(exported, rows)
        clock.lap("log_model")
        where, n_parameters = (tracked.id, model_path, tracked.uri), network.count_params()
        result = Result(found.scores, found.scores[objective], *where, clock.seconds, n_parameters, difference)
        learnt = weights.measure(network, preprocessing.inputs.names)
        tracked.log_inputs(learnt.of_inputs)
        tracked.log_final(result.measured | history.summary() | learnt.counts | decided.summary())
    return result


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def job(composed: DictConfig) -> float | sweep.Outcome:
    """One job of the command line, alone or in a sweep."""
    return sweep.job(composed, run)


def main() -> None:
    """The command line: checks all of it, then runs one job, or a sweep of them."""
    from pipeline import launch

    launch.register()
    if configuration.only_shows(sys.argv[1:]):
        return job()
    sweep.register()
    try:
        with commands.ends_tidily(), sweep.parent(command := configuration.parse(sys.argv[1:])):
            sys.argv[1:] = [command.for_hydra.get(word, word) for word in sys.argv[1:]]
            job()
    except sweep.Stopped as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
