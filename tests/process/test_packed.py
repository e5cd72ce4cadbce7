"""Sweeps with `hydra/launcher=packed`: what is trained as one is a run of its own for each trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from support.command_process import Commands, command_process

pytestmark = pytest.mark.slow

Sweep = Callable[..., tuple[str, dict[str, Run]]]


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with command_process() as run:
        yield run


@pytest.fixture
def swept(commands: Commands, store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Sweep:
    """Runs a sweep in an experiment of the test's own; gives what it printed, and its runs by their overrides."""
    client, experiment = MlflowClient(store), request.node.name

    def run(*words: str, code: int = 0, interrupt_at: int | None = None) -> tuple[str, dict[str, Run]]:
        places = [f"tracking.uri={store}", f"tracking.experiment={experiment}", f"hydra.sweep.dir={tmp_path}/hydra",
                  f"search.storage={tmp_path}/study.journal"]  # fmt: skip
        ended, out = commands(
            "train", "-m", "data=iris", "data.split.seed=0", "hydra/launcher=packed", *words, *places,
            interrupt_at=interrupt_at,
        )  # fmt: skip
        assert ended == code, out
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        runs = reversed(client.search_runs([found.experiment_id]))  # of two of one trial the latest counts
        return out, {run.data.tags["overrides"]: run for run in runs if "overrides" in run.data.tags}

    return run


def own(runs: dict[str, Run], *words: str) -> Run:
    (found,) = [run for overrides, run in runs.items() if set(words) <= set(overrides.split())]
    return found


def test_trials_of_one_shape_train_as_one_and_come_to_what_they_come_to_alone(swept: Sweep, store: str) -> None:
    words = [
        "fit.epochs=4",
        "fit.execution=compiled",
        "model.batch_norm=false,true",
        "fit.learning_rate=0.01,1e30",
        "seed=0,1",
    ]
    out, runs = swept(*words, code=1)
    assert "4 jobs train as one network: #0, #1, #2, #3" in out
    assert "trained alone, for model.batch_norm: #4, #5, #6, #7" in out
    assert len(runs) == 8
    for seed in ("seed=0", "seed=1"):
        failed = own(runs, "model.batch_norm=False", "fit.learning_rate=1e+30", seed)
        assert failed.info.status == "FAILED"
        assert "the training loss became" in failed.data.tags["error"]
        done = own(runs, "model.batch_norm=False", "fit.learning_rate=0.01", seed)
        assert done.info.status == "FINISHED"
        assert [entry.step for entry in MlflowClient(store).get_metric_history(done.info.run_id, "loss")] == [
            1,
            2,
            3,
            4,
        ]
        assert {"gap_log_loss", "test_accuracy", "training/best_epoch", "seconds/fit"} <= done.data.metrics.keys()
    finished = [run for run in runs.values() if run.info.status == "FINISHED"]
    out, again = swept(*words, code=1)
    assert out.count("skipped: finished as run") == len(finished)
    assert all(again[run.data.tags["overrides"]].info.run_id == run.info.run_id for run in finished)
    _, alone = swept(*words, "hydra/launcher=basic", "sweep.resume=off", code=1)
    for run in finished:
        other = alone[run.data.tags["overrides"]]
        assert other.info.run_id != run.info.run_id
        assert run.data.metrics["val_log_loss"] == pytest.approx(other.data.metrics["val_log_loss"], rel=1e-3)


def test_trials_of_other_widths_and_depths_train_as_one_up_to_twice_the_work(swept: Sweep) -> None:
    words = ["fit.epochs=4", "fit.execution=compiled", "model.units=[16,8],[24],[256,256]", "model.l2=0.001"]
    out, runs = swept(*words)
    assert "2 jobs train as one network: #0, #1" in out
    assert "trained alone, for no other job is left with the same rows and a similar shape: #2" in out
    assert len(runs) == 3
    out, _ = swept(*words)
    assert out.count("skipped: finished as run") == 3
    _, alone = swept(*words, "hydra/launcher=basic", "sweep.resume=off")
    for overrides, run in runs.items():
        other = alone[overrides]
        assert other.info.run_id != run.info.run_id
        assert run.data.metrics["val_log_loss"] == pytest.approx(other.data.metrics["val_log_loss"], rel=1e-3)
        assert run.data.metrics["export/difference"] < 1e-4


def test_a_search_prunes_members(swept: Sweep) -> None:
    out, runs = swept(
        "hydra/sweeper=search", "search.sampler=random", "search.n_trials=8",
        "search.pruner=median", "search.prune_from=1",
        "fit.epochs=6", "fit.learning_rate=tag(log,interval(1e-5,0.03))", "hydra.launcher.members=6",
    )  # fmt: skip
    assert "6 jobs train as one network" in out
    assert "2 jobs train as one network" in out
    pruned = [run for run in runs.values() if "pruned" in run.data.tags]
    assert pruned
    assert {run.info.status for run in pruned} == {"KILLED"}
    assert {run.info.status for run in runs.values()} == {"KILLED", "FINISHED"}
    assert len(runs) == 8


def test_a_trial_that_repeats_another_gets_its_result(swept: Sweep) -> None:
    out, runs = swept(
        "hydra/sweeper=search", "search.n_trials=4", "fit.epochs=2", "fit.learning_rate=choice(0.001,0.003,0.01,0.03)"
    )
    assert len(runs) < 4
    assert out.count("skipped: finished as run") == 4 - len(runs)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_values_given_twice_are_trained_once(swept: Sweep) -> None:
    out, runs = swept("fit.epochs=2", "fit.learning_rate=0.01,0.02,0.010")
    assert "2 jobs train as one network: #0, #1" in out
    assert out.count("skipped: finished as run") == 1
    assert "another process" not in out
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_ctrl_c_closes_all_members(swept: Sweep) -> None:
    words = ["fit.epochs=100000", "fit.early_stopping.patience=null", "fit.learning_rate=0.01,0.02,0.03"]
    out, runs = swept(*words, code=130, interrupt_at=3)
    assert "Traceback" not in out
    assert {run.info.status for run in runs.values()} == {"KILLED"}
    assert len(runs) == 3


@pytest.mark.slow
def test_models_are_made_of_trials_with_and_without_dropout(swept: Sweep) -> None:
    """Those that train as one have other layers."""
    out, runs = swept("fit.epochs=2", "model.units=[8]", "model.dropout=0.0,0.2")
    assert "cannot" not in out
    assert all("export/difference" in run.data.metrics for run in runs.values())


def test_networks_with_embeddings_train_as_one(swept: Sweep) -> None:
    words = ["fit.epochs=4", "fit.execution=compiled", "model.numeric_embedding=periodic", "model.units=[8],[9,4]",
             "model.embedding_scale=0.1,1.0"]  # fmt: skip
    out, runs = swept(*words)
    assert "4 jobs train as one network: #0, #1, #2, #3" in out
    _, alone = swept(*words, "hydra/launcher=basic", "sweep.resume=off")
    for overrides, run in runs.items():
        other = alone[overrides]
        assert run.data.metrics["val_log_loss"] == pytest.approx(other.data.metrics["val_log_loss"], rel=1e-3)
        assert run.data.metrics["export/difference"] < 1e-4
