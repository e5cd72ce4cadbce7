"""A disk that is full: training goes on in memory; where the model cannot be written either, a message says so."""

import contextlib
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import TrackingError, load, run
from pipeline.commands.train import run_words
from pipeline.data import load as load_data
from pipeline.runtime.log_handlers import LogFile
from pipeline.track import send_left, start

WORDS = ("data=iris", "fit.epochs=2", "model.units=[4]", "baselines=[]", "fit.execution=graph")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of four megabytes, which the spool lies in."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    monkeypatch.setenv("PIPELINE_SPOOL", str(folder / "spool"))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    path = folder / "filler"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path


def the_run(uri: str, experiment: str) -> Run:
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    (one,) = client.search_runs([found.experiment_id])
    return one


def test_training_goes_on_in_memory(tiny: Path, store: str, caplog: pytest.LogCaptureFixture) -> None:
    config = load(*WORDS, f"tracking.uri={store}", "tracking.experiment=full")
    with start(config, load_data(config.data), about={}) as tracked:
        filler = fill(tiny)
        for epoch in range(1, 501):  # more than fits into the last page of the journal
            tracked.log_epoch(epoch, {"loss": 1.0 / epoch, "val_loss": 1.0, "accuracy": 0.5})
        assert "No space left on device" in caplog.text
        assert f"the file system {tiny}" in caplog.text
        assert caplog.text.count("No space left") == 1
        filler.unlink()
        tracked.log_final({"objective": 1.0})
    found = the_run(store, "full")
    assert found.info.status == "FINISHED"
    steps = [entry.step for entry in MlflowClient(store).get_metric_history(found.info.run_id, "loss")]
    assert steps == [*range(1, 501)]
    assert list((tiny / "spool").iterdir()) == []


def test_a_spool_that_cannot_take_the_model_ends_the_run(
    tiny: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.track import Run as Tracked

    start_drawing = Tracked.start_drawing

    def full(*args: Any) -> None:
        fill(tiny)
        start_drawing(*args)

    monkeypatch.setattr(Tracked, "start_drawing", full)
    with pytest.raises(
        TrackingError, match=f"No space left on device; the file system {tiny} has 0 MB left, free some"
    ):
        run(load(*WORDS, f"tracking.uri={store}", "tracking.experiment=no_room"))
    found = the_run(store, "no_room")
    assert found.info.status == "FAILED"
    assert "No space left on device" in found.data.tags["error"]
    assert [path for path in (tiny / "spool").rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    monkeypatch.setenv("PIPELINE_SPOOL", str(tiny.with_name("elsewhere")))  # as the message says
    run(load(*WORDS, f"tracking.uri={store}", "tracking.experiment=elsewhere"))
    assert the_run(store, "elsewhere").info.status == "FINISHED"


def test_a_store_whose_disk_is_full_is_named_and_gets_the_run_when_there_is_room(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PIPELINE_SPOOL", str(tiny.with_name("elsewhere")))
    monkeypatch.setattr("pipeline.track.start_run.AWAY_SECONDS", 1.0)
    uri = f"sqlite:///{tiny}/mlflow.db"
    config = load(*WORDS, f"tracking.uri={uri}", "tracking.experiment=full")
    with start(config, load_data(config.data), about={}) as tracked:
        filler = fill(tiny)
        for epoch in range(1, 2001):
            tracked.log_epoch(epoch, {"loss": 1.0 / epoch, "val_loss": 1.0, "accuracy": 0.5})
        tracked.log_final({"objective": 1.0})
    there = f"database or disk is full; the file system {tiny} has 0 MB left, free some"
    assert there in caplog.text
    assert there in str(tracked.unsent)
    assert there in next(iter(send_left(uri).kept.values()))
    filler.unlink()
    assert send_left(uri).runs == [tracked.id]
    assert the_run(uri, "full").info.status == "FINISHED"


def test_a_log_that_cannot_be_written_is_reported_once(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log, file = logging.Logger("full"), LogFile(f"{tiny}/train.log")
    log.addHandler(file)
    filler = fill(tiny)
    for _ in range(5):
        log.info("%s", "x" * 5000)
    filler.unlink()
    file.close()
    (said,) = capfd.readouterr().err.splitlines()
    about = f"{tiny}/train.log cannot be written: No space left on device; the file system {tiny} has 0 MB left"
    assert said == f"{about}; the command continues without it"


def test_a_command_whose_folder_is_full_says_so(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Hydra writes there, which would end in a traceback."""
    monkeypatch.setattr("pipeline.config.mlruns", lambda: tiny)
    fill(tiny)
    with pytest.raises(TrackingError, match=f"{tiny}/hydra: No space left .*; the file system {tiny} has 0 MB left"):
        run_words(["data=iris"])


def test_a_spool_that_cannot_be_made_is_reported_at_once(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_SPOOL", "/proc/no/spool")
    with pytest.raises(TrackingError, match=r"/proc/no/spool: .*PIPELINE_SPOOL"):
        run(load(*WORDS, f"tracking.uri={store}"))
