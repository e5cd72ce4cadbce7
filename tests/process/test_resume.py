"""A run that is killed at any instant: the same command ends as if nothing had happened, to the last bit."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from pipeline.commands import export
from pipeline.track.dead_runs import close_dead
from pipeline.track.spool.unfinished_runs import may_resume
from support import contents
from support.forked import Ended, forking

N_KILLS = int(os.environ.get("PIPELINE_KILLS", "3"))  # of each kind of run
COMMON = ["fit.checkpoint=true", "tracking.experiment=killed", "baselines=[]"]
N_EPOCHS = 16
# All that a checkpoint has to hold: dropout, averages of weights and of batches, a rate that falls, the best epoch.
DEMANDING = [
    f"fit.epochs={N_EPOCHS}", "model.units=[32,32]", "model.dropout=0.3", "model.batch_norm=true", "fit.ema=0.9",
    "fit.learning_rate=0.02", "fit.schedule=reduce_on_plateau", "fit.plateau_patience=2",
    "fit.early_stopping.patience=100",
]  # fmt: skip
KINDS = {
    "plain": ["data=digits", *DEMANDING, "fit.execution=compiled", "fit.optimizer=adamw"],
    "streaming": ["data=plain_table", "data.target=y", "data.streaming=on", "data.memory_budget=64MB", *DEMANDING],
    "mirrored": ["data=diabetes", *DEMANDING, "fit.devices=[CPU:0,CPU:1]"],
    "searched": [
        "data=diabetes", *DEMANDING, "-m", "hydra/sweeper=search", "search.sampler=random", "search.n_trials=6",
        "search.seed=4", "sweep.keep=all", "search.pruner=median", "search.prune_from=3",
        "fit.learning_rate=tag(log,interval(0.0001,0.1))",
    ],
}  # fmt: skip
Killable = Callable[..., Ended]


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    with forking(tmp_path_factory.mktemp("forked")) as forked:

        def run(words: list[str], instant: tuple[str, int, float] | None = None) -> Ended:
            return forked.start(*words, kill=instant).end(time.monotonic())

        yield run


@dataclass(frozen=True)
class Store:
    """Where runs of one test go."""

    folder: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def words(self) -> list[str]:
        where = [f"hydra.{kind}.dir={self.folder}/hydra" for kind in ("run", "sweep")]
        return [f"tracking.uri={self.uri}", f"search.storage={self.folder}/journal", *where]

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    def runs(self) -> list[Run]:
        """Those that have trained, by what distinguishes them."""
        experiment = self.client.get_experiment_by_name("killed")
        if experiment is None:
            return []
        found = self.client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
        return sorted(
            (run for run in found if "sweep" not in run.data.tags), key=lambda run: run.data.tags.get("overrides", "")
        )

    def is_over(self) -> bool:
        """Whether the run has ended and left no checkpoint: the same command would start another one."""
        found = self.runs()
        return bool(found) and not any(
            run.info.status != "FINISHED" or may_resume(run.info.run_id, run.data.tags["journal"]) for run in found
        )

    def reported(self, run: Run) -> dict[str, Any]:
        """All that a run has come to, but for times and ids."""
        metrics = {
            name: [(entry.step, entry.value) for entry in self.client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
            if "seconds" not in name
        }
        models = self.client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
        return {
            "status": run.info.status, "metrics": metrics, "weights": self.weights(run),
            "params": {name: value for name, value in run.data.params.items() if name != "tracking.uri"},
            "tags": {name for name in run.data.tags if name != "alive_at"}, "models": [one.status for one in models],
            "outputs": len(run.outputs.model_outputs),
        }  # fmt: skip

    def weights(self, run: Run) -> list[str]:
        path = self.folder / "artifacts" / run.info.run_id / "artifacts" / "saved_model"
        if not path.exists():  # it was pruned
            return []
        return contents.weights(path)

    def litert(self) -> dict[str, bytes]:
        """The run's LiteRT files."""
        folder = self.folder / "exported"
        (run,) = self.runs()
        export.main([run.info.run_id, "--uri", self.uri, "--format", "litert", "--output", str(folder)])
        return {path.name: path.read_bytes() for path in folder.rglob("*.tflite")}


def at_random(chance: np.random.Generator, n_trials: int) -> tuple[str, int, float]:
    """An instant: while a run is opened, in an epoch, in a checkpoint, in the export, or about the MLflow model."""
    places = ["open", "made", "epoch", "epoch", "checkpoint", "export", "make_model", "send_model"]
    place = str(chance.choice(places))
    is_in_training = place in ("epoch", "checkpoint")
    count = chance.integers(1, n_trials * N_EPOCHS if is_in_training else n_trials, endpoint=not is_in_training)
    return place, int(count), float(chance.uniform(0, 0.2))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_anywhere_comes_to_the_same_bits(
    killable: Killable, mixed: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    table = tmp_path / "table.csv"
    mixed.drop(columns=["weight", "group"]).to_csv(table, index=False)
    words = [*COMMON, *KINDS[kind], *([f"data.path={table}"] if kind == "streaming" else [])]
    whole, chance, left = Store(tmp_path / "whole"), np.random.default_rng(len(kind)), N_KILLS
    ended = killable([*words, *whole.words])
    assert ended.code == 0, ended.output
    assert any("pruned" in run.data.tags for run in whole.runs()) is (kind == "searched")
    for number in itertools.count():
        if left <= 0:
            break
        killed = Store(tmp_path / f"killed_{number}")
        for _ in range(min(left, 3)):  # one after the other
            ended = killable([*words, *killed.words], at_random(chance, 4 if kind == "searched" else 1))
            assert ended.code in (0, -9), ended.output
            left -= ended.code != 0
            if kind != "searched" and killed.is_over():  # the instant was at the end or after it
                break
        if kind == "searched" or not killed.is_over():
            ended = killable([*words, *killed.words])
            assert ended.code == 0, ended.output
        assert_same(killed, whole)
    if kind == "plain":
        assert killed.litert() == whole.litert()


def assert_same(killed: Store, whole: Store) -> None:
    """As many runs, and all that they have come to."""
    undisturbed, resumed = whole.runs(), killed.runs()
    assert len(resumed) == len(undisturbed)
    for one, other in zip(undisturbed, resumed, strict=True):
        expected, found = whole.reported(one), killed.reported(other)
        for about in expected:
            assert found[about] == expected[about], about
        if "seconds/fit" in other.data.metrics:  # it was not pruned; what an earlier process trained counts
            epochs = killed.client.get_metric_history(other.info.run_id, "epoch/seconds")
            assert other.data.metrics["seconds/fit"] >= 0.9 * sum(epoch.value for epoch in epochs)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["made", "open", "epoch"])
@pytest.mark.parametrize(
    ("word", "comes_between", "n_runs"),
    [
        ("fit.checkpoint=false", False, 1),
        ("fit.checkpoint=auto", True, 1),  # it is too short for one
        ("fit.resume=off", False, 2),
    ],
)
def test_a_run_that_died_before_a_checkpoint_is_the_same_run(
    killable: Killable, tmp_path: Path, place: str, word: str, comes_between: bool, n_runs: int
) -> None:
    """From its first epoch, also where another command has closed it meanwhile; unless it is to begin anew."""
    words = ["data=diabetes", "fit.epochs=4", "tracking.experiment=killed", "baselines=[]", word]
    words += ["fit.checkpoint=false"] if word == "fit.resume=off" else []
    killed = Store(tmp_path)
    ended = killable([*words, *killed.words], (place, 1 if place != "epoch" else 3, 0.0))
    assert ended.code == -9, ended.output
    if comes_between:
        close_dead(killed.uri)
        assert [run.info.status for run in killed.runs()] in ([], ["KILLED"])
    ended = killable([*words, *killed.words])
    assert ended.code == 0, ended.output
    close_dead(killed.uri)
    states = sorted(run.info.status for run in killed.runs())
    assert states == ["FINISHED", "KILLED"][:n_runs] or (states, place) == (["FINISHED"], "made")  # or not made yet
    (finished,) = [run for run in killed.runs() if run.info.status == "FINISHED"]
    assert [entry.step for entry in killed.client.get_metric_history(finished.info.run_id, "loss")] == [1, 2, 3, 4]
    assert {"fit.epochs", "seed"} <= set(finished.data.params)
    assert len(finished.inputs.dataset_inputs) == 3
    assert ("error" in finished.data.tags) is False
