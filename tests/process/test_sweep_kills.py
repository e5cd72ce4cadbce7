"""A sweep that is killed at any moment: the same command ends with each trial once, and with the same best."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.track import send_left
from support.places import ROOT

COMMON = ["data=diabetes", "fit.epochs=2", "tracking.experiment=killed", "fit.execution=graph"]
N_KILLS = int(os.environ.get("PIPELINE_KILLS", "1"))  # more take minutes, and try every kind of sweep
SWEEPS = {
    "hydra_grid": ["fit.learning_rate=0.001,0.003,0.01,0.03,0.1"],
    "grid": [
        "hydra/sweeper=search", "search.sampler=grid", "search.n_trials=5",
        "fit.learning_rate=0.001", "search.depth=1", "search.width=8,16,24,32,64",
    ],
    "random": [
        "hydra/sweeper=search", "search.sampler=random", "search.n_trials=5",
        "fit.learning_rate=tag(log,interval(0.001,0.1))", "model.units=[8],[16]",
    ],
    "qmc": [
        "hydra/sweeper=search", "search.sampler=qmc", "search.n_trials=5", "search.width_of=layer",
        "fit.learning_rate=tag(log,interval(0.001,0.1))", "search.depth=range(1,3)", "search.width=8,16",
    ],
    "tpe": [
        "hydra/sweeper=search", "search.sampler=tpe", "search.n_trials=12",
        "search.pruner=median", "search.prune_from=1",
        "fit.learning_rate=tag(log,interval(0.001,0.1))",
    ],
}  # fmt: skip


def started(
    folder: Path, arguments: list[str], python: Sequence[str] = ("-m", "pipeline", "train")
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", *python, "-m", *COMMON, *arguments,
         f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.sweep.dir={folder}/hydra",
         f"search.storage={folder}/study.journal"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
    )  # fmt: skip


def ended(folder: Path, arguments: list[str]) -> str:
    process = started(folder, arguments)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    return out


def kill_some_time(folder: Path, arguments: list[str], lines: int, seconds: float) -> None:
    """Kills a sweep so many lines and seconds after its first job began, or lets it end."""
    process = started(folder, arguments)
    assert process.stdout is not None
    next(itertools.islice(process.stdout, lines, None), None)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    process.stdout.close()


def runs(folder: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("killed")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def children(folder: Path) -> list[Run]:
    found = runs(folder)
    (parent,) = [run for run in found if "sweep" in run.data.tags]
    assert parent.info.status == "FINISHED"
    return [run for run in found if run is not parent]


def finished(folder: Path) -> dict[str, float]:
    """Objectives by what distinguishes the trials; no trial is there twice."""
    done = [run for run in children(folder) if run.info.status == "FINISHED"]
    found = {run.data.tags["overrides"]: run.data.metrics["objective"] for run in done}
    assert len(found) == len(done)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*SWEEPS][:-1] if N_KILLS > 1 else ["qmc"])
def test_kill_at_any_moment_loses_and_repeats_nothing(tmp_path: Path, kind: str) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    chance = np.random.default_rng(0)
    ended(whole, SWEEPS[kind])
    for _ in range(N_KILLS):
        kill_some_time(killed, SWEEPS[kind], int(chance.integers(5, 70)), float(chance.uniform(0, 0.5)))
    out = ended(killed, SWEEPS[kind])
    assert finished(killed) == finished(whole)
    assert len(finished(whole)) == 5
    assert {run.info.status for run in children(killed)} <= {"FINISHED", "KILLED"}
    assert "finished trials are skipped" in out


@pytest.mark.slow
def test_two_commands_at_once_share_the_trials(tmp_path: Path) -> None:
    both = [started(tmp_path, SWEEPS["random"]) for _ in range(2)]
    outs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert len(finished(tmp_path)) == 5
    assert len(children(tmp_path)) == 5


@pytest.mark.slow
def test_a_sweep_goes_on_though_the_disk_of_its_store_is_full(tmp_path: Path) -> None:
    """Stood in for by the largest size that a file may have: the store's file reaches it after some trials."""
    ended(tmp_path, ["seed=7"])
    size = (tmp_path / "mlflow.db").stat().st_size
    begin = "import resource, runpy, sys; sys.argv[1:1] = ['train'];"
    limit = f"{begin} resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 8192}, {size + 8192}));"
    limited = f"{limit} runpy.run_module('pipeline', run_name='__main__')"
    process = started(tmp_path, SWEEPS["random"], python=["-c", limited])
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert "the store has not received all runs of the sweep; `" in out
    assert "Traceback" not in out
    assert len(send_left(f"sqlite:///{tmp_path}/mlflow.db").sweeps) == 1
    assert len([run for run in runs(tmp_path) if run.info.status == "FINISHED" and "trial_key" in run.data.tags]) == 6
