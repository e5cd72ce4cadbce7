"""A run that goes on in the store where its process has left it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import data, load, track
from pipeline.track.header import run_header
from pipeline.track.spool.journal import Journal

WORDS = ("data=iris", "tracking.experiment=resumes")


def logged(store: str, *words: str, epochs: int, resumes: str | None = None, dies: bool = False) -> Run:
    """A run with so many epochs; the process dies, or it ends well with a score."""
    config = load(*WORDS, *words, f"tracking.uri={store}")
    values: Mapping[str, float] = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1}
    try:
        with track.start(config, data.load(config.data), about={}, resumes=resumes) as run:
            for epoch in range(1, epochs + 1):
                run.log_epoch(epoch, values)
            if dies:
                raise KeyboardInterrupt
            run.log_final({"val_accuracy": 0.5})
    except KeyboardInterrupt:
        pass
    return MlflowClient(store).get_run(run.id)


def steps(store: str, run: Run, name: str) -> list[int]:
    return [entry.step for entry in MlflowClient(store).get_metric_history(run.info.run_id, name)]


def test_steps_neither_repeat_nor_miss(store: str) -> None:
    dead = logged(store, epochs=3, dies=True)
    assert (dead.info.status, dead.data.tags["error"]) == ("KILLED", "interrupted")
    run = logged(store, epochs=7, resumes=dead.info.run_id)
    assert run.info.run_id == dead.info.run_id
    assert run.info.status == "FINISHED"
    assert "error" not in run.data.tags
    assert (run.info.run_name, run.data.params) == (dead.info.run_name, dead.data.params)
    assert steps(store, run, "loss") == steps(store, run, "epoch/accuracy") == [1, 2, 3, 4, 5, 6, 7]
    again = logged(store, epochs=7, resumes=dead.info.run_id)  # it died between the last score and its end
    assert steps(store, again, "loss") == [1, 2, 3, 4, 5, 6, 7]
    assert steps(store, again, "val_accuracy") == [0]


def test_a_trial_of_a_sweep_that_began_while_the_store_was_away_is_the_same_run(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows its sweep by the id from before; going on beside its old journal would end it as KILLED later."""
    monkeypatch.setattr("pipeline.track.spool.unfinished_runs.mlruns", lambda: tmp_path)
    monkeypatch.setenv("PIPELINE_SPOOL", str(tmp_path / "spool"))
    config = load(*WORDS, f"tracking.uri={store}")
    sweep = Journal(run_header(config, store, {"sweep": "seed=1,2"}))
    trial = Journal(run_header(config, store, {}) | {"parent": sweep.folder.id})
    sweep.append("leave")
    trial.append("metrics", values=[["loss", 1.0, 1_700_000_000_000, 1]])
    for journal in (sweep, trial):  # their process has died
        journal.close()
        journal.release()
    checkpoint = tmp_path / "checkpoints" / "configuration" / trial.folder.id / "00000001.npz"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    (dead,) = track.send_left(store).resumable
    parent = MlflowClient(store).get_run(dead).data.tags["mlflow.parentRunId"]
    assert parent != sweep.folder.id
    with track.below(parent):
        run = logged(store, epochs=3, resumes=trial.folder.id)
    assert (run.info.run_id, run.info.status) == (dead, "FINISHED")
    assert steps(store, run, "loss") == [1, 2, 3]
    checkpoint.unlink()
    track.send_left(store)
    assert MlflowClient(store).get_run(dead).info.status == "FINISHED"


@pytest.mark.parametrize("how", ["deleted", "elsewhere", "unknown"])
def test_a_run_that_is_not_there_any_more_begins_anew(store: str, how: str, caplog: pytest.LogCaptureFixture) -> None:
    dead = logged(store, epochs=2, dies=True).info.run_id
    if how == "deleted":
        MlflowClient(store).delete_run(dead)
    asked = "0" * 32 if how == "unknown" else dead
    words = ["tracking.experiment=going_on_elsewhere"] if how == "elsewhere" else []
    run = logged(store, *words, epochs=4, resumes=asked)
    assert run.info.run_id not in (dead, asked)
    assert steps(store, run, "loss") == [1, 2, 3, 4]
    assert f"run {asked} does not exist any more: a new run starts, and logs all epochs" in caplog.text


def test_a_model_that_was_half_made_is_made_again(store: str) -> None:
    """MLflow refuses a folder that is not empty; files of an earlier SavedModel are none of this one."""
    config = load(*WORDS, f"tracking.uri={store}")
    with track.start(config, data.load(config.data), about={}) as run:
        for name in ("saved_model", "model"):
            place = (
                run._journal.artifact("saved_model") if name == "saved_model" else run._journal.folder.path / "model"
            )
            place.mkdir()
            (place / "half").touch()
        with run.writing_model(data.load(config.data).rows) as folder:
            assert not folder.exists()
            (folder / "assets.extra").mkdir(parents=True)
            (folder / "assets.extra" / "manifest.json").write_text('{"inputs": {}}')
        run.log_saved_model()
    assert len(MlflowClient(store).get_run(run.id).outputs.model_outputs) == 1
