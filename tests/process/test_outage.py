"""The store away while a sweep or a run goes on: after `sync` it has what an undisturbed one leaves there."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import load, run
from pipeline.track import Run as Tracked
from support.contents import known
from support.forked import Forking, forking
from support.places import ROOT
from support.servers import Way, mlflow_server

AWAY_SECONDS = float(os.environ.get("PIPELINE_AWAY", "8"))  # 30, 60 or 600 as well
N_EPOCHS = int(os.environ.get("PIPELINE_STALL", "500"))  # of which none waits; ten thousand take minutes
MAX_SECONDS = 0.05  # that training may wait for tracking at a time
N_TRIALS = 8 if "PIPELINE_AWAY" in os.environ else 3
WORDS = ("data=iris", "model.units=[8]", "baselines=[]", "fit.execution=graph")
LONG = (
    "fit.checkpoint=false",
    "fit.epochs=100000",
    "fit.early_stopping.patience=null",
    "fit.execution=compiled",
    "data=digits",
)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(folder, f"sqlite:///{folder}/mlflow.db") as port:
        found = Way(port)
        yield found
        found.cut()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    with forking(tmp_path_factory.mktemp("forked")) as found:
        yield found


def sync(uri: str) -> str:
    words = [sys.executable, "-m", "pipeline", "sync", "--uri", uri]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stdout


def runs(uri: str, experiment: str) -> tuple[Run, list[Run]]:
    """The parent of a sweep, or a run alone, and its children."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    every = client.search_runs([found.experiment_id])
    (above,) = [run for run in every if "mlflow.parentRunId" not in run.data.tags]
    return above, [run for run in every if run.data.tags.get("mlflow.parentRunId") == above.info.run_id]


def of_sweep(uri: str, experiment: str) -> dict[str, dict[str, Any]]:
    """What the store knows of each trial."""
    return {run.data.params["seed"]: known(uri, run) for run in runs(uri, experiment)[1]}


def sweep_words(way: Way, experiment: str, folder: Path) -> list[str]:
    seeds = ",".join(str(seed) for seed in range(N_TRIALS))
    places = [f"tracking.uri={way.address}", f"tracking.experiment={experiment}", f"hydra.sweep.dir={folder}"]
    return ["-m", *WORDS, "fit.epochs=2", f"seed={seeds}", "sweep.keep=all", *places]


@pytest.fixture(scope="module")
def undisturbed(process: Forking, way: Way, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What a sweep leaves whose server is there all the time."""
    ended = process.start(*sweep_words(way, "undisturbed", tmp_path_factory.mktemp("hydra"))).end(0)
    assert ended.code == 0, ended.output
    return of_sweep(way.address, "undisturbed")


@contextlib.contextmanager
def comes_back(way: Way) -> Iterator[None]:
    """Away from now on, for AWAY_SECONDS or until the end of the block."""
    way.cut()
    timer = threading.Timer(AWAY_SECONDS, way.restore)
    timer.start()
    try:
        yield
    finally:
        timer.join()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["start", "middle", "end"])
def test_a_sweep_whose_server_is_away(
    process: Forking, way: Way, undisturbed: dict[str, dict[str, Any]], tmp_path: Path, when: str
) -> None:
    words = sweep_words(way, f"sweep_{when}", tmp_path)
    if when == "start":
        with comes_back(way):
            sweep = process.start(*words)
    else:
        sweep = process.start(*words)
        sweep.wait_for(f"{1 if when == 'middle' else N_TRIALS - 1}/{N_TRIALS}  seed=", 120)
        with comes_back(way):
            pass
    ended = sweep.end(time.monotonic())
    assert ended.code == 0, ended.output
    assert "Traceback" not in ended.output
    sync(way.address)
    parent, children = runs(way.address, f"sweep_{when}")
    assert [run.info.status for run in children] == ["FINISHED"] * N_TRIALS, ended.output
    assert parent.info.status == "FINISHED", ended.output
    assert parent.data.metrics["n_finished"] == N_TRIALS
    assert parent.data.tags["best_run_id"] in {run.info.run_id for run in children}, ended.output
    assert of_sweep(way.address, f"sweep_{when}") == undisturbed
    assert all(one["models"] == ["READY"] for one in undisturbed.values())


@pytest.mark.slow
def test_a_trainer_that_is_killed_while_the_server_is_away(process: Forking, way: Way, tmp_path: Path) -> None:
    words = [*WORDS, *LONG, f"tracking.uri={way.address}", "tracking.experiment=killed", f"hydra.run.dir={tmp_path}"]
    training = process.start(*words)
    training.wait_for("epoch 3/")
    with comes_back(way):
        time.sleep(3)
        training.signal(signal.SIGKILL)
    assert "marked KILLED" in sync(way.address)
    run, _ = runs(way.address, "killed")
    assert run.info.status == "KILLED"
    steps = [entry.step for entry in MlflowClient(way.address).get_metric_history(run.info.run_id, "loss")]
    assert steps == [*range(1, len(steps) + 1)]
    shown = [int(line.split()[1].split("/")[0]) for line in training.output.splitlines() if line.startswith("epoch ")]
    assert len(steps) >= max(shown) - 1, "an epoch that was shown is lost"


@pytest.mark.slow
def test_a_sweep_that_is_killed_while_the_server_is_away(process: Forking, way: Way, tmp_path: Path) -> None:
    """`sync` closes it, with the trial that was open; the same command goes on with it, and ends it."""
    places = [f"tracking.uri={way.address}", "tracking.experiment=killed_sweep", f"hydra.sweep.dir={tmp_path}"]
    words = ["-m", *WORDS, "seed=0,1", "fit.early_stopping.patience=null", "fit.checkpoint=false", *places]
    sweep = process.start(*words, "fit.epochs=300")
    sweep.wait_for("1/2  seed=0")
    time.sleep(0.5)  # some epochs of the second
    with comes_back(way):
        time.sleep(1)
        sweep.signal(signal.SIGKILL)
    said = sync(way.address)
    parent, children = runs(way.address, "killed_sweep")
    assert f"run {parent.info.run_id}: marked KILLED" in said
    assert {run.info.status for run in (parent, *children)} <= {"KILLED", "FINISHED"}
    assert parent.info.status == "KILLED"
    ended = process.start(*words, "fit.epochs=300").end(0)
    assert ended.code == 0, ended.output
    parent, children = runs(way.address, "killed_sweep")
    assert parent.info.status == "FINISHED"
    assert sorted(run.info.status for run in children).count("FINISHED") == 2


@pytest.mark.slow
def test_training_waits_for_no_answer(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a server that takes two seconds for each, in epochs of some milliseconds."""
    waits, ends, log_epoch = [], [], Tracked.log_epoch

    def timed(*args: Any) -> None:
        began = time.perf_counter()
        log_epoch(*args)
        ends.append(time.perf_counter())
        waits.append(ends[-1] - began)
        if len(waits) == N_EPOCHS:
            way.delay = 0.0  # the artifacts have no hurry

    monkeypatch.setattr(Tracked, "log_epoch", timed)
    monkeypatch.setattr(way, "delay", 2.0)
    words = (
        *WORDS, "fit.batch_size=full", f"fit.epochs={N_EPOCHS}", "fit.early_stopping.patience=null",
        "fit.checkpoint=false", f"tracking.uri={way.address}", "tracking.experiment=stall",
    )  # fmt: skip
    result = run(load(*words))
    gaps = np.diff(ends)
    print(f"{N_EPOCHS} epochs, {np.median(gaps) * 1e3:.2f} ms each; longest wait {max(waits) * 1e3:.2f} ms,", end=" ")
    print(f"median {np.median(waits) * 1e6:.0f} us; longest from epoch to epoch {max(gaps) * 1e3:.1f} ms")
    assert len(waits) == N_EPOCHS
    assert max(waits) <= MAX_SECONDS
    steps = [entry.step for entry in MlflowClient(way.address).get_metric_history(result.run_id, "loss")]
    assert steps == [*range(1, N_EPOCHS + 1)]


@pytest.mark.slow
def test_a_store_that_another_process_locks(process: Forking, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    words = [*WORDS, f"tracking.uri={store}", f"hydra.run.dir={tmp_path}/hydra"]
    assert process.start(*words, "fit.epochs=2", "tracking.experiment=before").end(0).code == 0
    training = process.start(*words, *LONG, "fit.epochs=1500", "tracking.experiment=locked")
    training.wait_for("epoch 3/")
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(AWAY_SECONDS)
        other.execute("ROLLBACK")
    ended = training.end(0)
    assert ended.code == 0, ended.output
    assert "Traceback" not in ended.output
    sync(store)
    run, _ = runs(store, "locked")
    assert run.info.status == "FINISHED"
    steps = [entry.step for entry in MlflowClient(store).get_metric_history(run.info.run_id, "loss")]
    assert steps == [*range(1, 1501)]
