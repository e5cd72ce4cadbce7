"""A sweep that is killed at any moment: the same command ends with each trial once, and with the same best."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

ROOT = Path(__file__).parents[1]
COMMON = ["data=diabetes", "fit.epochs=4", "tracking.experiment=killed", "fit.execution=graph"]
SWEEPS = {
    "hydra_grid": ["fit.learning_rate=0.001,0.003,0.01,0.03", "model.units=[8],[16]"],
    "grid": [
        "hydra/sweeper=search", "sweep.sampler=grid", "sweep.n_trials=8",
        "fit.learning_rate=0.001,0.003,0.01,0.03", "sweep.depth=1,2", "sweep.width=8",
    ],
    "random": [
        "hydra/sweeper=search", "sweep.sampler=random", "sweep.n_trials=8",
        "fit.learning_rate=tag(log,interval(0.001,0.1))", "model.units=[8],[16]",
    ],
    "qmc": [
        "hydra/sweeper=search", "sweep.sampler=qmc", "sweep.n_trials=8", "sweep.width_of=layer",
        "fit.learning_rate=tag(log,interval(0.001,0.1))", "sweep.depth=range(1,3)", "sweep.width=8,16",
    ],
    "tpe": [
        "hydra/sweeper=search", "sweep.sampler=tpe", "sweep.n_trials=14", "sweep.pruner=median", "sweep.prune_from=1",
        "fit.learning_rate=tag(log,interval(0.001,0.1))",
    ],
}  # fmt: skip


def started(folder: Path, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline.train", "-m", *COMMON, *arguments,
         f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.sweep.dir={folder}/hydra",
         f"sweep.storage={folder}/study.journal"],
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


def children(folder: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("killed")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "sweep" in run.data.tags]
    assert parent.info.status == "FINISHED"
    return [run for run in runs if run is not parent]


def finished(folder: Path) -> dict[str, float]:
    """Objectives by what distinguishes the trials; no trial is there twice."""
    runs = [run for run in children(folder) if run.info.status == "FINISHED"]
    found = {run.data.tags["overrides"]: run.data.metrics["objective"] for run in runs}
    assert len(found) == len(runs)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hydra_grid", "qmc"])
def test_kill_at_any_moment_loses_and_repeats_nothing(tmp_path: Path, kind: str) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    n_kills = int(os.environ.get("PIPELINE_KILLS", "2"))
    chance = np.random.default_rng(0)
    ended(whole, SWEEPS[kind])
    for _ in range(n_kills):
        kill_some_time(killed, SWEEPS[kind], int(chance.integers(5, 70)), float(chance.uniform(0, 0.5)))
    out = ended(killed, SWEEPS[kind])
    assert finished(killed) == finished(whole)
    assert len(finished(whole)) == 8
    assert {run.info.status for run in children(killed)} <= {"FINISHED", "KILLED"}
    assert "trials are finished and will be skipped" in out
