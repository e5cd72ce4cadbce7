"""The process that has MLflow: who trains has none of it, and neither outlives the other by much."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import data, load
from pipeline.evaluate.run_plots import SHOWN, RunPlots
from pipeline.track import send_left, start
from pipeline.track.worker import client
from support.places import ROOT

WORDS = ("data=iris", "model.units=[8]", "baselines=[]", "fit.execution=graph")
LONG = ("fit.epochs=100000", "fit.early_stopping.patience=null", "fit.checkpoint=false")
END_SECONDS = 5.0


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    places = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.run.dir={folder}/hydra"]
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "pipeline", "train", *WORDS, *words, *places],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


@pytest.fixture
def training(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """One that goes on until it is ended, in an epoch."""
    process = started(tmp_path, *LONG)
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("epoch 3/"))
    yield process
    process.kill()
    process.communicate()


def worker_of(training: subprocess.Popen[str]) -> psutil.Process:
    (found,) = [
        one for one in psutil.Process(training.pid).children() if "pipeline.track.worker" in " ".join(one.cmdline())
    ]
    return found


def the_run(folder: Path) -> Run:
    (found,) = MlflowClient(f"sqlite:///{folder}/mlflow.db").search_runs(["1"])
    return found


def test_a_training_imports_no_mlflow(tmp_path: Path) -> None:
    code = (
        "import json, sys\nfrom pipeline import load, run\n"
        f"words = {[*WORDS, 'fit.epochs=2', f'tracking.uri=sqlite:///{tmp_path}/mlflow.db']}\n"
        "result = run(load(*words))\n"
        "print(json.dumps([result.run_id, [name for name in ('mlflow', 'sqlalchemy') if name in sys.modules]]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    run_id, imported = json.loads(ended.stdout.splitlines()[-1])
    assert imported == []
    assert (the_run(tmp_path).info.run_id, the_run(tmp_path).info.status) == (run_id, "FINISHED")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_worker_ends_with_the_training(
    training: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    worker = worker_of(training)
    training.send_signal(number)
    _, err = training.communicate(timeout=60)
    worker.wait(END_SECONDS)
    assert err == ""
    if number == signal.SIGKILL:
        assert len(send_left(f"sqlite:///{tmp_path}/mlflow.db").closed) == 1
    assert the_run(tmp_path).info.status == "KILLED"


@pytest.mark.slow
def test_a_signal_that_comes_to_the_worker_too_is_the_trainings_affair(
    training: subprocess.Popen[str], tmp_path: Path
) -> None:
    """As from a scheduler, which sends it to all processes of a job."""
    for process in (worker_of(training), training):
        process.send_signal(signal.SIGTERM)
    out, err = training.communicate(timeout=60)
    assert (training.returncode, err) == (128 + signal.SIGTERM, ""), out
    assert (the_run(tmp_path).info.status, the_run(tmp_path).data.tags["error"]) == ("KILLED", "terminated")


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_of_the_run(tmp_path: Path) -> None:
    process = started(tmp_path, "fit.epochs=300", *LONG[1:])
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("epoch 3/"))
    worker_of(process).kill()
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), out
    run = the_run(tmp_path)
    assert run.info.status == "FINISHED"
    steps = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_metric_history(run.info.run_id, "loss")
    assert [entry.step for entry in steps] == [*range(1, 301)]
    assert len(run.outputs.model_outputs) == 1


def test_pictures_are_drawn_by_another_worker_if_the_first_is_killed(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    config = load(*WORDS, f"tracking.uri={uri}")
    dataset = data.load(config.data)
    target = dataset.part("val").target
    outputs = {"probabilities": np.full((len(target.values), 3), 1 / 3)}
    epochs = [{"loss": 1.0, "val_loss": 1.1}]
    with start(config, dataset, about={}) as tracked:
        process = client.worker()._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        tracked.start_drawing(RunPlots(epochs, 1, dict.fromkeys(SHOWN, target), dict.fromkeys(SHOWN, outputs)))
        process.kill()
        process.wait()
        tracked.log_pictures()
    drawn = MlflowClient(uri).list_artifacts(tracked.id, "pictures")
    names = ["confusion_matrix.png", "learning_curves.png", "roc.png"]
    assert [Path(entry.path).name for entry in drawn] == names


def test_pictures_of_a_failed_export_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They show what there is to see of a run whose model could not be verified."""
    from pipeline import ExportError, export, run

    def differs(*_: object) -> float:
        raise ExportError("differs")

    monkeypatch.setattr(export, "verify", differs)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(ExportError, match="differs"):
        run(load(*WORDS, "fit.epochs=2", f"tracking.uri={uri}"))
    assert the_run(tmp_path).info.status == "FAILED"
    assert len(MlflowClient(uri).list_artifacts(the_run(tmp_path).info.run_id, "pictures")) == 3


def test_a_worker_that_cannot_be_replaced_leaves_the_rest_to_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    config = load(*WORDS, f"tracking.uri={uri}")
    with start(config, data.load(config.data), about={}) as tracked:
        tracked.log_epoch(1, {"loss": 1.0})
        process = client.worker()._process
        assert process is not None
        process.kill()
        process.wait()
        monkeypatch.setattr(sys, "executable", "/no/python")
    monkeypatch.undo()
    assert "the store has not received all of it" in caplog.text
    assert client.GONE in str(tracked.unsent)
    assert send_left(uri).runs == [tracked.id]
    assert the_run(tmp_path).info.status == "FINISHED"
    assert the_run(tmp_path).data.metrics["loss"] == 1


def test_a_forked_process_has_a_worker_of_its_own() -> None:
    """And that of the other is asked no less, nor kept alive."""
    ours = client.worker()
    assert "-" in ours.ask("invented_name").result(60)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        own = client.worker()
        os.write(write, b"own" if own is not ours and "-" in own.ask("invented_name").result(60) else b"not")
        time.sleep(600)
    try:
        assert os.read(read, 3) == b"own"
        assert client.worker() is ours
        assert "-" in ours.ask("invented_name").result(60)
        process = ours._process
        ours.close()
        assert process is not None
        assert process.returncode == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)
    assert client.worker() is not ours


def test_one_that_cannot_be_started_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import TrackingError

    monkeypatch.setattr(sys, "executable", "/no/python")
    monkeypatch.setattr(client, "_worker", None)
    with pytest.raises(TrackingError, match=r"the process that sends runs to the store cannot be started: .*/no/pyth"):
        client.worker()


def test_what_goes_wrong_there_is_reported_with_its_traceback() -> None:
    failed = client.worker().ask("write_model", path="/no/model", folder="/no/folder", rows={})
    with pytest.raises(client.RemoteError, match=r"(?s)Traceback .*KeyError"):
        failed.result(60)


def test_tags_that_mlflow_gives_runs_are_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow finds them by the words of the command line, and keeps the first."""
    monkeypatch.setattr(client, "_worker", None)
    monkeypatch.setattr(sys, "argv", ["python -m pipeline train", "seed=1"])
    tags = client.worker().ask("context_tags").result(60)
    client.worker().close()
    assert tags["mlflow.source.name"] == "python -m pipeline train"
    assert not [name for name in tags if name.startswith("mlflow.source.git.")]
