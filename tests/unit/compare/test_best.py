"""One best: the parent of a sweep, `best:EXPERIMENT` and `compare` name the same run."""

import argparse
import csv
import io
import itertools
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from pipeline import ModelError, TrackingError, load, track
from pipeline.commands.arguments import chosen_model
from pipeline.compare import rank_sweep, resolve_best, text_output
from pipeline.compare.ranking import compare
from pipeline.compare.resolve_best import best_id_of, best_of
from pipeline.inference.locate import best_run, stands_for
from pipeline.track.store import experiment_id
from support.ranked_runs import ranked, replicas, tracked

NUMBERS = itertools.count(1)  # MLflow takes 0 for now
LUCKY = {"0.1": [5.0, 6.0, 7.0], "0.01": [1.0, 9.0, 20.0]}  # the mean of the first is the better one


class Experiment:
    """An experiment of a test's own, and what writes runs to it as the pipeline does."""

    def __init__(self, uri: str, name: str) -> None:
        self.uri, self.name, self.client = uri, name, MlflowClient(uri)
        self.tracking = load(f"tracking.uri={uri}", f"tracking.experiment={name}").tracking
        with track.connected(self.tracking):
            self.where = experiment_id(self.tracking, uri)

    def run(
        self, score: float | None, *, seed: int = 0, status: str = "FINISHED", rows: str | None = None,
        params: dict[str, str] | None = None, **tags: str,
    ) -> str:  # fmt: skip
        run = self.client.create_run(self.where, start_time=1000 * next(NUMBERS), run_name=f"seed {seed}").info.run_id
        known = {"seed": str(seed), "data.split.seed": str(seed), "data.split.fold": "0"} | (params or {})
        named = {"objective": "val_rmse", "data_fingerprint": "f"} | tags
        metrics = [] if score is None else [Metric(name, score, 0, 0) for name in ("objective", "val_rmse")]
        self.client.log_batch(
            run, metrics, [Param(*item) for item in known.items()], [RunTag(*item) for item in named.items()]
        )
        if rows is not None:
            dataset = Dataset("iris", rows, "local", "{}")
            self.client.log_inputs(run, [DatasetInput(dataset, [InputTag("mlflow.data.context", "val")])])
        self.client.set_terminated(run, status)
        return run

    def grid(self, scores: dict[str, list[float]], *, rows: str | None = None, **tags: str) -> dict[float, str]:
        """A run per learning rate and seed; gives the runs by their scores."""
        return {
            score: self.run(score, seed=seed, rows=rows, params={"fit.learning_rate": rate}, **tags)
            for rate, found in scores.items()
            for seed, score in enumerate(found)
        }

    def best(self) -> str:
        found = best_of(self.name, self.uri)
        assert stands_for(f"best:{self.name}", self.uri) == found.run_id
        return found.run_id

    def compared(self) -> str:
        with track.connected(self.tracking):
            table = text_output.as_csv(compare(track.select_runs(self.name)), 1)
        (row,) = csv.DictReader(io.StringIO(table))
        return row["run_id"]


@pytest.fixture
def experiment(store: str, request: pytest.FixtureRequest) -> Experiment:
    resolve_best._known_best.cache_clear()
    return Experiment(store, request.node.name)


# Which run stands for a configuration.


def test_where_seeds_draw_the_rows_the_middle_run_stands_for_all() -> None:
    found = ranked(*replicas({"0.1": [5, 1, 7]})).candidates[0]
    assert (found.scores[found.replica], found.choice) == (5, "the median of 3 runs on different validation rows")
    found = ranked(*replicas({"0.1": [5, 1, 7, 6]})).candidates[0]
    assert found.scores[found.replica] == 5  # of the two in the middle that of the lower seed
    found = ranked(*replicas({"0.1": [7, 5]})).candidates[0]
    assert found.scores[found.replica] == 7


def test_on_the_same_rows_the_best_run_stands_for_all() -> None:
    found = ranked(*replicas({"0.1": [5, 1, 7]}, split_seed=3)).candidates[0]
    assert (found.scores[found.replica], found.choice) == (1, "the best of 3 runs on the same validation rows")
    assert ranked(tracked(1.0)).candidates[0].choice == "the only run"


def test_the_best_is_the_highest_where_higher_is_better(experiment: Experiment) -> None:
    runs = experiment.grid({"0.1": [0.5, 0.6], "0.01": [0.1, 0.7]}, rows="same", objective="val_accuracy")
    assert experiment.best() == experiment.compared() == runs[0.6]


# Three ways to ask, one answer.


def test_a_sweep_its_experiment_and_compare_name_one_run(experiment: Experiment) -> None:
    parent = experiment.run(None, sweep="seed=0,1,2")
    runs = experiment.grid(LUCKY, **{"mlflow.parentRunId": parent})
    assert rank_sweep(parent, experiment.tracking).best is not None
    tags = experiment.client.get_run(parent).data.tags
    assert tags["best_run_id"] == experiment.best() == experiment.compared() == runs[6.0]
    assert tags["best_run_name"] == "seed 1"
    metrics = experiment.client.get_run(parent).data.metrics
    assert {name: metrics[name] for name in metrics if name.startswith("best_")} == {
        "best_objective": 6.0, "best_n_runs": 3.0, "best_val_rmse": 6.0,
    }  # fmt: skip


def test_rows_that_are_given_are_the_same_whatever_the_seed(experiment: Experiment) -> None:
    runs = experiment.grid(LUCKY, rows="given")
    assert experiment.best() == experiment.compared() == runs[5.0]


def test_what_did_not_finish_is_none_of_the_candidates(experiment: Experiment) -> None:
    good = experiment.run(3.0)
    experiment.run(1.0, status="KILLED", pruned="true")
    experiment.run(0.5, status="FAILED")
    experiment.run(0.4, status="KILLED")
    experiment.run(float("nan"), seed=5)
    experiment.run(None, seed=6)
    experiment.run(None, sweep="seed=0,1", best_run_id="0")
    running = experiment.client.create_run(experiment.where, tags={"objective": "val_rmse"}).info.run_id
    experiment.client.log_metric(running, "objective", 0.1)
    assert experiment.best() == experiment.compared() == good
    experiment.client.set_terminated(running, "KILLED")


def test_a_rerun_takes_the_place_of_its_run(experiment: Experiment) -> None:
    first = experiment.run(1.0)
    again = experiment.run(1.5, rerun_of=first)
    other = experiment.run(2.0, params={"fit.learning_rate": "0.1"})
    assert experiment.best() == experiment.compared() == again
    experiment.run(2.5, rerun_of=first)
    assert experiment.best() == experiment.compared() == other


def test_the_networks_of_an_ensemble_do_not_compete_with_it(experiment: Experiment) -> None:
    """The first has the ensemble's configuration and is logged later; a fold has a score on other rows."""
    ensemble = experiment.run(2.0, tuned="data=iris tune.minutes=1")
    below: dict[str, Any] = {"mlflow.parentRunId": ensemble, "overrides": "", "tuned_number": "0"}
    experiment.run(3.0, **below)
    experiment.run(1.0, **below, fold="2")
    experiment.run(1.5, **below | {"overrides": "model.units=[8]", "tuned_number": "1"})
    assert experiment.best() == experiment.compared() == ensemble


def test_an_ensemble_and_a_network_of_its_configuration_are_ranked_both(experiment: Experiment) -> None:
    better = experiment.run(2.0, tuned="data=iris tune.minutes=60")
    experiment.run(2.5, tuned="data=iris tune.minutes=1")
    experiment.run(3.0)
    assert experiment.best() == experiment.compared() == better
    again = experiment.run(2.1, tuned="tune.minutes=60 data=iris tracking.run_name=again")
    assert experiment.best() == experiment.compared() == again


def test_of_several_objectives_the_one_that_runs_are_compared_by_decides(experiment: Experiment) -> None:
    tags = {"objectives": "val_rmse, n_parameters"}
    for size, score in ((10.0, 3.0), (20.0, 2.0), (30.0, 1.0), (40.0, 4.0)):
        run = experiment.run(score, params={"model.units": f"[{size}]"}, **tags)
        experiment.client.log_metric(run, "n_parameters", size)
        if score == 1.0:
            expected = run
    assert experiment.best() == experiment.compared() == expected
    assert "ranked by val_rmse; * no other is as good" in best_of(experiment.name, experiment.uri).summary


def test_other_rows_are_reported_and_other_targets_refused(experiment: Experiment) -> None:
    houses = {"data.name": "table", "data.target": "price"}
    first = experiment.run(5.0, params=houses)
    grown = experiment.run(4.0, params=houses, data_fingerprint="g")
    assert experiment.best() == grown
    assert "used 2 different sets of rows or columns" in best_of(experiment.name, experiment.uri).summary
    cars = experiment.run(1.0, params={"data.name": "table", "data.target": "mpg"})
    message = (
        f"name one of the best by its id: by val_rmse of mpg in table {cars}; by val_rmse of price in table {grown}"
    )
    with pytest.raises(ModelError, match=f"its runs have several targets, which are not comparable; {message}"):
        experiment.best()
    experiment.client.delete_run(cars)
    assert experiment.best() == grown
    experiment.client.delete_run(grown)
    assert best_of(experiment.name, experiment.uri).run_id == first


def test_sweeps_of_the_version_before_keep_what_they_say(experiment: Experiment) -> None:
    """Their parents name the luckiest run."""
    parent = experiment.run(None, sweep="seed=0,1,2", best_run_id="lucky")
    experiment.client.log_metric(parent, "best_objective", 1.0)
    runs = experiment.grid(LUCKY, **{"mlflow.parentRunId": parent})
    with track.connected(experiment.tracking):
        found = compare(track.select_runs(sweep=parent)).best
    assert found is not None
    assert found.run.id == experiment.best() == runs[6.0]
    kept = experiment.client.get_run(parent).data
    assert (kept.tags["best_run_id"], kept.metrics["best_objective"]) == ("lucky", 1.0)


# Which score is watched, and which is reported.


def test_to_watch_it_is_cheap_while_nothing_finishes(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_best, "FRESH_SECONDS", 1e9)  # no look falls into the next period by chance
    first = experiment.run(2.0)
    looks = [best_id_of(experiment.name, experiment.uri) for _ in range(5)]
    assert looks == [first] * 5
    assert resolve_best._known_best.cache_info().misses == 1
    experiment.run(1.0, status="FAILED")
    assert best_id_of(experiment.name, experiment.uri) == first
    assert resolve_best._known_best.cache_info().misses == 1
    second = experiment.run(1.0, params={"fit.learning_rate": "0.1"})
    assert best_id_of(experiment.name, experiment.uri) == second
    experiment.run(3.0, params={"fit.learning_rate": "0.2"})
    experiment.client.delete_run(second)
    monkeypatch.setattr(resolve_best, "FRESH_SECONDS", 1e-3)
    assert best_id_of(experiment.name, experiment.uri) == first


def test_which_run_was_taken_is_reported(experiment: Experiment, capsys: pytest.CaptureFixture[str]) -> None:
    run = experiment.run(2.5)
    args = argparse.Namespace(model=f"best:{experiment.name}", uri=experiment.uri)
    assert chosen_model(args) == run
    assert capsys.readouterr().out == f"best:{experiment.name} is seed 0 ({run}), val_rmse 2.5; the only run\n"
    runs = experiment.grid(LUCKY)
    assert chosen_model(args) == run
    assert f"({run}), val_rmse 2.5; first of 3 configurations, 7 runs\n" in capsys.readouterr().out
    experiment.client.delete_run(run)
    assert chosen_model(args) == runs[6.0]
    reported = "val_rmse 6; the median of 3 runs on different validation rows, mean 6 ± 1; first of 2"
    assert reported in capsys.readouterr().out
    assert chosen_model(argparse.Namespace(model=run, uri=experiment.uri)) == run
    assert capsys.readouterr().out == ""


def test_what_is_not_there_is_reported(experiment: Experiment) -> None:
    for name, message in (
        (experiment.name[:-1], f"did you mean {experiment.name}"),
        (experiment.name, f"best:{experiment.name}: none of its runs finished with a validation objective"),
    ):
        with pytest.raises(ModelError, match=message):
            best_run(f"best:{name}", experiment.uri)
    with pytest.raises(TrackingError, match=r"best:x: tracking.uri: the store /proc/no/x\.db does not exist"):
        stands_for("best:x", "sqlite:////proc/no/x.db")
    assert best_run("models:/best@champion", experiment.uri) is None
