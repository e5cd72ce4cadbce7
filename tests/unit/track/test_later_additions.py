"""What is read from and added to a run after it has ended, also by the provisional id that it had in the spool."""

from __future__ import annotations

import math
import uuid
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline import TrackingError, load
from pipeline.track import config_of_run, store_of, tag_of
from pipeline.track.header import run_header
from pipeline.track.new_scores import log_new_scores
from pipeline.track.spool.journal import Journal
from pipeline.track.store import connected_to


@pytest.fixture
def run(store: str) -> tuple[str, str]:
    """Id and provisional id of a run in the store."""
    with connected_to(store):
        client, provisional = MlflowClient(store), uuid.uuid4().hex
    found = client.create_run("0", tags={"journal": provisional, "tuned": "data=iris"}).info.run_id
    client.log_text(found, "seed: 1\n", "config.yaml")
    return found, provisional


def test_a_provisional_id_names_the_run(run: tuple[str, str], store: str, tmp_path: Path) -> None:
    for run_id in run:
        with store_of(store):
            assert config_of_run(run_id, tmp_path).read_text(encoding="utf-8") == "seed: 1\n"
            assert tag_of(run_id, "tuned") == "data=iris"
        log_new_scores(run_id, {"rmse": len(run_id)}, {"data": run_id}, store)
    logged = MlflowClient(store).get_run(run[0]).data
    assert (logged.metrics["new_rmse"], logged.tags["new_data"]) == (32, run[1])


def test_a_run_in_the_spool_is_sent_by_sync(
    run: tuple[str, str], store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_SPOOL", str(tmp_path / "spool"))
    journal = Journal(run_header(load("data=iris", f"tracking.uri={store}"), store, {}))
    journal.close()
    journal.release()
    said = r"run \w+: .*its store has not received all of it; `.* sync` sends the rest"
    with store_of(store):
        for call in (lambda: config_of_run(journal.folder.id, tmp_path), lambda: tag_of(journal.folder.id, "tuned")):
            with pytest.raises(TrackingError, match=said):
                call()
    with pytest.raises(TrackingError, match=said):
        log_new_scores(journal.folder.id, {"rmse": 1.0}, {}, store)


def test_a_score_that_another_file_does_not_have_is_no_longer_there(run: tuple[str, str], store: str) -> None:
    log_new_scores(run[0], {"accuracy": 0.9, "auc": 0.8}, {"data": "a.csv"}, store)
    log_new_scores(run[0], {"accuracy": 0.7}, {"data": "b.csv"}, store)
    metrics = MlflowClient(store).get_run(run[0]).data.metrics
    assert metrics["new_accuracy"] == 0.7
    assert math.isnan(metrics["new_auc"])
