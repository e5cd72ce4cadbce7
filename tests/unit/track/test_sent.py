"""What a run has sent is recorded, and values are sent together."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from pipeline import data, load
from pipeline.track import datasets
from pipeline.track.header import environment, run_header
from pipeline.track.spool.folders import MAX_SENT_BYTES, SENT, Spooled, made
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.log_to_mlflow import Transfer
from pipeline.track.store import connected_to
from pipeline.track.worker.sending import Sending


@pytest.fixture
def journal(store: str) -> Iterator[Journal]:
    """Of a run that nobody sends."""
    config = load("data=iris", f"tracking.uri={store}", "tracking.experiment=sent")
    with connected_to(store):
        header = run_header(config, store, environment())
    own = Journal(header, made(header))
    own.append("tags", tags=datasets.tags(data.load(config.data)))
    yield own
    own.close()
    own.release()


def test_the_last_complete_record_counts(tmp_path: Path) -> None:
    folder = Spooled(tmp_path)
    assert folder.sent["offset"] == 0
    for offset in range(3000):
        folder.keep_sent({"offset": offset, "run_id": "a" * 32})
    assert folder.sent["offset"] == 2999
    assert (tmp_path / SENT).stat().st_size < MAX_SENT_BYTES + 1000
    with (tmp_path / SENT).open("ab") as file:
        file.write(b'\n{"offset": 3000, "ru')  # cut off by a full disk
    assert folder.sent["offset"] == 2999
    folder.keep_sent({"offset": 3001})
    assert folder.sent["offset"] == 3001


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / SENT).write_text(json.dumps({"offset": 7, "run_id": "b" * 32}), encoding="utf-8")
    folder = Spooled(tmp_path)
    assert (folder.sent["offset"], folder.sent["run_id"]) == (7, "b" * 32)
    folder.keep_sent(folder.sent | {"offset": 8})
    assert (folder.sent["offset"], folder.sent["run_id"]) == (8, "b" * 32)


def test_values_are_sent_with_one_call_however_artifacts_lie_between(
    journal: Journal, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int, int]] = []
    log_batch = MlflowClient.log_batch

    def counted(client: MlflowClient, run_id: str, metrics: Any, params: Any, tags: Any) -> None:
        calls.append((len(metrics), len(params), len(tags)))
        log_batch(client, run_id, metrics, params, tags)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    journal.append("params", params={f"p{number}": "1" for number in range(90)})
    journal.artifact("note.txt").write_text("text", encoding="utf-8")
    journal.add_artifact("note.txt")
    journal.log([["loss", 1.0, 1, step] for step in range(300)])
    journal.append("tags", tags={"team": "blue"})
    journal.append("end", status="FINISHED", at=1)
    transfer = Transfer(journal.folder, alive=False)
    transfer.send()
    assert transfer.is_complete
    assert [call[:2] for call in calls] == [(300, 90)]
    found = MlflowClient(store).get_run(str(transfer.run_id))
    assert (found.info.status, found.data.tags["team"], len(found.data.params)) == ("FINISHED", "blue", 90)
    steps = MlflowClient(store).get_metric_history(found.info.run_id, "loss")
    assert [metric.step for metric in steps] == [*range(300)]


def test_a_value_that_is_refused_costs_no_other(journal: Journal, store: str, caplog: pytest.LogCaptureFixture) -> None:
    journal.log([["loss", 1.0, 1, 1]])
    journal.append("params", params={"a?b": "1"})  # MLflow accepts no question mark
    journal.append("tags", tags={"team": "blue"})
    transfer = Transfer(journal.folder, alive=False)
    transfer.send()
    found = MlflowClient(store).get_run(str(transfer.run_id))
    assert (found.data.metrics, found.data.params, found.data.tags["team"]) == ({"loss": 1.0}, {}, "blue")
    assert "the store refuses params: " in caplog.text
    assert caplog.text.count("refuses") == 1


def test_a_store_that_did_not_answer_is_told_when_sending_is_stopped_half_way(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    n_calls = 0

    def stopped_half_way(transfer: Transfer) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            raise OSError("database or disk is full")
        sending.stop()

    monkeypatch.setattr(Transfer, "send", stopped_half_way)
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    sending = Sending(journal.folder, lock, told.append, again=False)
    while not told:
        time.sleep(0.01)
    sending.wake()
    sending._thread.join(10)
    assert n_calls == 2
    assert told[-1] == {"is_ended": True}
    assert all("database or disk is full" in one["away"] for one in told[:-1])
