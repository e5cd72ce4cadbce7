"""Sweeps beyond one machine, each kind tried on this one: a Ray cluster, Slurm's local stand-in, one MLflow server."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from support.places import ROOT
from support.servers import postgres

# By this, Ray listens on 127.0.0.1 only.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
START_SECONDS = END_SECONDS = 240


def sweep(
    folder: Path, store: str, *overrides: str, environment: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "train", "-m", "data=iris", *overrides, f"tracking.uri={store}",
         f"hydra.sweep.dir={folder}/sweep"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | QUIET | environment,
    )  # fmt: skip


def runs_of(store: str, experiment: str) -> tuple[list[Run], list[Run]]:
    """Parents and children."""
    client = MlflowClient(store)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    return [one for one in runs if "sweep" in one.data.tags], [one for one in runs if "sweep" not in one.data.tags]


def end(process: subprocess.Popen[str]) -> None:
    """Ends a process and all that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.communicate()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process printed until it ended, which it must do in time."""
    try:
        return process.communicate(timeout=END_SECONDS)
    finally:
        if process.poll() is None:
            end(process)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A Ray cluster of two CPUs, and its address."""
    pytest.importorskip("ray", reason="Ray is not installed")
    said, port = tmp_path / "said", free_port()
    # A folder of its own near the root: the paths of sockets in it may not be long.
    with said.open("w") as output, tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("ray"), "start", "--head", f"--port={port}", "--num-cpus=2", "--block",
             "--include-dashboard=false", "--object-store-memory=100000000", f"--temp-dir={folder}"],
            stdout=output, stderr=output, text=True, env=os.environ | QUIET,
        )  # fmt: skip
        try:
            wait_for(lambda: "Ray runtime started" in said.read_text(), process)
            yield process, f"127.0.0.1:{port}"
        finally:
            end(process)


def wait_for(look: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(START_SECONDS * 5):
        if look():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    raise AssertionError("nothing came")


@pytest.mark.slow
def test_a_ray_cluster_runs_trials_until_it_is_gone(
    cluster: tuple[subprocess.Popen[str], str], tmp_path: Path, store: str
) -> None:
    ray, address = cluster
    launcher = ["hydra/launcher=ray", f"hydra.launcher.address={address}", "tracking.experiment=on_ray"]
    words = [*launcher, "hydra.launcher.n_jobs=1"]  # so that the first trial has ended when the second trains
    process = sweep(tmp_path, store, *words, "fit.early_stopping.patience=null", "fit.epochs=2,100000")
    try:
        wait_for(lambda: trains(tmp_path, 1), process)
    finally:
        end(ray)
        out, err = ended(process)
    assert process.returncode == 1, out
    assert "Traceback" not in out + err
    assert "#0 1/2  fit.epochs=2  objective " in out
    assert f"#1 failed: the Ray cluster at {address} is gone" in out, out
    assert f"resume with: python -m pipeline train -m data=iris {launcher[0]}" in err
    (parent,), children = runs_of(store, "on_ray")
    assert sorted(one.info.status for one in children) == ["FAILED", "FINISHED"]
    assert {one.data.tags["mlflow.parentRunId"] for one in children} == {parent.info.run_id}
    assert (parent.info.status, parent.data.metrics["n_failed"]) == ("FINISHED", 1)


@pytest.mark.slow
def test_a_ray_task_that_dies_costs_its_trial(
    cluster: tuple[subprocess.Popen[str], str], tmp_path: Path, store: str
) -> None:
    ray, address = cluster
    process = sweep(
        tmp_path, store, "hydra/launcher=ray", f"hydra.launcher.address={address}", "hydra.launcher.n_jobs=1",
        "tracking.experiment=task_died", "fit.early_stopping.patience=null", "fit.epochs=100000,2",
    )  # fmt: skip
    try:
        wait_for(lambda: trains(tmp_path, 0), process)
        (task,) = [one for one in psutil.Process(ray.pid).children(recursive=True) if "_trial" in one.name()]
        task.kill()
    finally:
        out, err = ended(process)
    assert process.returncode == 1, out + err
    assert "Traceback" not in out + err
    assert "#0 failed: its Ray task failed" in out
    assert "#1 2/2  fit.epochs=2  objective " in out
    (parent,), children = runs_of(store, "task_died")
    assert sorted(one.info.status for one in children) == ["FAILED", "FINISHED"]
    assert parent.data.metrics["n_finished"] == parent.data.metrics["n_failed"] == 1


@pytest.mark.slow
def test_ctrl_c_ends_a_sweep_on_ray_tidily(
    cluster: tuple[subprocess.Popen[str], str], tmp_path: Path, store: str
) -> None:
    ray, address = cluster
    process = sweep(
        tmp_path, store, "hydra/launcher=ray", f"hydra.launcher.address={address}", "hydra.launcher.n_jobs=2",
        "tracking.experiment=interrupted", "fit.early_stopping.patience=null", "fit.epochs=100000", "seed=0,1,2",
    )  # fmt: skip
    try:
        wait_for(lambda: trains(tmp_path, 0) and trains(tmp_path, 1), process)
        process.send_signal(signal.SIGINT)
    finally:
        out, err = ended(process)
    assert process.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert "resume with" in out
    (parent,), children = runs_of(store, "interrupted")
    assert {one.info.status for one in (parent, *children)} == {"KILLED"}
    assert len(children) == 2
    assert not [one for one in psutil.Process(ray.pid).children(recursive=True) if one.name() == "ray::_trial"]


def trains(folder: Path, number: int) -> bool:
    """Whether a job of the sweep there has got to its third epoch."""
    output = folder / "sweep" / str(number) / "output.log"
    return output.exists() and "epoch 3/" in output.read_text()


@pytest.mark.slow
def test_a_cluster_that_is_not_there(tmp_path: Path, store: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    address = f"127.0.0.1:{free_port()}"
    process = sweep(tmp_path, store, "hydra/launcher=ray", f"hydra.launcher.address={address}", "seed=0,1")
    out, err = ended(process)
    assert process.returncode == 1
    assert f"hydra.launcher.address: no Ray cluster answers at {address}" in err
    assert "Traceback" not in out + err


@pytest.mark.slow
def test_slurms_launcher_in_its_local_mode(tmp_path: Path, store: str) -> None:
    pytest.importorskip("submitit", reason="hydra-submitit-launcher is not installed")
    words = ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5", "tracking.experiment=on_slurm"]
    process = sweep(tmp_path, store, *words, "fit.epochs=1,2")
    out, err = ended(process)
    assert process.returncode == 0, out + err
    lines = re.findall(r"\b(\d/2)  fit\.epochs=\d  objective [\d.]+, [\d.]+ s$", out, re.MULTILINE)
    assert lines == ["1/2", "2/2"], out
    (parent,), children = runs_of(store, "on_slurm")
    assert [one.info.status for one in children] == ["FINISHED"] * 2
    assert {one.data.tags["mlflow.parentRunId"] for one in children} == {parent.info.run_id}
    out, err = ended(sweep(tmp_path, store, *words, "fit.epochs=1,2"))
    assert len(re.findall(r"\b\d/2  fit\.epochs=\d  skipped: finished as run ", out)) == 2, out + err
    assert not list(tmp_path.rglob(".ended-*"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Address of an MLflow server."""
    port = free_port()
    with (tmp_path / "said").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", f"{tmp_path}/kept"],
            stdout=output, stderr=output, text=True, env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{address}/health", timeout=5).status == 200
        return False

    try:
        wait_for(answers, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        end(process)


@pytest.mark.slow
def test_two_machines_share_one_mlflow_server(server: str, tmp_path: Path) -> None:
    """Two command lines that know nothing of each other but the server's address, as on two machines."""
    words = ["fit.epochs=2", "sweep.keep=all", "tracking.experiment=shared"]
    processes = [
        sweep(tmp_path / name, server, *words, f"seed={seeds}") for name, seeds in (("a", "0,1"), ("b", "2,3"))
    ]
    for process in processes:
        out, err = ended(process)
        assert process.returncode == 0, out + err
    parents, children = runs_of(server, "shared")
    assert [one.info.status for one in (*parents, *children)] == ["FINISHED"] * 6
    assert sorted(one.data.params["seed"] for one in children) == ["0", "1", "2", "3"]
    assert all(one.data.metrics["n_finished"] == 2 for one in parents)
    metrics = [sorted(one.data.metrics) for one in children]
    assert all(names == metrics[0] for names in metrics)
    artifacts = {entry.path for entry in MlflowClient(server).list_artifacts(children[0].info.run_id)}
    assert {"config.yaml", "saved_model"} <= artifacts


@pytest.mark.slow
def test_two_machines_share_one_grid(server: str, tmp_path: Path) -> None:
    """The same command at the same moment, where no lock of the system is common to both."""
    words = ["fit.epochs=40", "fit.early_stopping.patience=null", "tracking.experiment=grid", "seed=0,1,2,3,4,5"]
    processes = [sweep(tmp_path / name, server, *words, environment=machine(tmp_path / name)) for name in ("a", "b")]
    output = [ended(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], output
    (parent,), children = runs_of(server, "grid")
    assert [one.info.status for one in (parent, *children)] == ["FINISHED"] * 7
    assert sorted(one.data.params["seed"] for one in children) == ["0", "1", "2", "3", "4", "5"]
    assert {one.data.tags["owner"].partition("/")[0] for one in children} == {"a", "b"}
    assert any("another process runs it" in out for out, _ in output)
    assert not [name for name in parent.data.tags if name.startswith(("claim.", "process."))]
    experiment = MlflowClient(server).get_experiment(parent.info.experiment_id)
    assert not [name for name in experiment.tags if name.startswith("opening.")]


def machine(folder: Path) -> dict[str, str]:
    """What makes a process believe that it is on a machine of that name, with a temporary folder of its own."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import platform\nplatform.node = lambda: {folder.name!r}\n")
    return {"PYTHONPATH": str(folder), "TMPDIR": str(folder)}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database for a study."""
    here = contextlib.nullcontext(f"sqlite:///{tmp_path}/study.db")
    with postgres() if request.param == "postgres" else here as address:
        yield address


@pytest.mark.slow
def test_two_machines_share_one_study_and_one_mlflow_server(server: str, database: str, tmp_path: Path) -> None:
    """Two command lines that have a study's name, its storage and the server's address in common."""
    words = ["hydra/sweeper=search", "search.sampler=random", "search.n_trials=6", "search.study_name=together",
             f"search.storage={database}", "fit.epochs=2", "tracking.experiment=together",
             "fit.learning_rate=tag(log,interval(0.001,0.1))"]  # fmt: skip
    processes = [sweep(tmp_path / name, server, *words) for name in ("a", "b")]
    for process in processes:
        out, err = ended(process)
        assert process.returncode == 0, out + err
    (parent,), children = runs_of(server, "together")
    assert {one.info.status for one in (parent, *children)} == {"FINISHED"}
    assert len(children) == len({one.data.params["fit.learning_rate"] for one in children}) == 6
    assert {one.data.tags["mlflow.parentRunId"] for one in children} == {parent.info.run_id}
    assert len({one.data.tags["owner"] for one in children}) == 2  # both had a part of the work
    assert parent.data.metrics["n_finished"] == 6
