"""A store that answers and refuses: it costs no run what it has logged, and delays no other."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline import ModelError, TrackingError, load
from pipeline.data import load as load_data
from pipeline.track import send_left, start
from pipeline.track.find_model import find_stored
from pipeline.track.header import run_header
from pipeline.track.parent_run import _opened_in_the_spool
from pipeline.track.spool.folders import left
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.log_to_mlflow import is_away
from support.servers import HOST, free_port

SECONDS = 10.0


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pipeline.track.run.START_SECONDS", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("PIPELINE_SPOOL", str(tmp_path / "spool"))


@contextlib.contextmanager
def answering(status: int, content: dict[str, str] | str, port: int = 0) -> Iterator[str]:
    """A server that gives every request the same answer; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer((HOST, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def denied(port: int = 0) -> contextlib.AbstractContextManager[str]:
    return answering(403, {"error_code": "PERMISSION_DENIED", "message": "you may not"}, port)


def wait_for(text: str, caplog: pytest.LogCaptureFixture) -> None:
    end = time.monotonic() + SECONDS
    while text not in caplog.text and time.monotonic() < end:
        time.sleep(0.05)


def test_a_run_that_is_refused_before_training_leaves_nothing() -> None:
    with denied() as uri:
        config = load("data=iris", f"tracking.uri={uri}")
        with pytest.raises(TrackingError, match="you may not"), start(config, load_data(config.data), about={}):
            pass
    assert left() == []


def test_a_run_that_is_refused_during_training_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """The store did not answer at first."""
    port = free_port()
    config = load("data=iris", f"tracking.uri=http://{HOST}:{port}")
    with contextlib.ExitStack() as refusing:
        with start(config, load_data(config.data), about={}) as tracked:
            tracked.log_epoch(1, {"loss": 1.0})
            refusing.enter_context(denied(port))
            wait_for("the store refuses the run", caplog)
            tracked.log_epoch(2, {"loss": 0.5})
            with tracked.artifact("late.txt") as path:
                path.write_text("late", encoding="utf-8")
            tracked.log_final({"objective": 1.0})
        (folder,) = left()
        entries = [entry for entry, _ in folder.entries(0)]
        assert (folder.artifacts / "config.yaml").is_file()
        assert (folder.artifacts / "late.txt").is_file()
        assert sum(len(entry.get("values", [])) for entry in entries) == 3
        assert (entries[0]["kind"], entries[-1]["kind"]) == ("run", "end")
        assert "the store refuses it" in str(tracked.unsent)
        assert "you may not" in str(tracked.unsent)
        assert "sync` sends it from " in str(tracked.unsent)
        assert "you may not" in send_left(str(folder.header["uri"])).kept[folder.id]


def test_a_sweep_in_the_spool_that_is_refused_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Its trials need it later."""
    with denied() as uri:
        _opened_in_the_spool(load("data=iris", f"tracking.uri={uri}"), uri, {"sweep_key": "key"})
        wait_for("the store refuses the run", caplog)
    assert len(left()) == 1


def ended_run(uri: str, experiment: str, *, parent: str | None = None, note: bool = False) -> str:
    """Leaves a finished run in the spool, with an artifact if wanted; gives its id."""
    header = run_header(load("data=iris", f"tracking.uri={uri}", f"tracking.experiment={experiment}"), uri, {})
    journal = Journal(header | {"parent": parent})
    if note:
        journal.artifact("note.txt").write_text("text", encoding="utf-8")
        journal.add_artifact("note.txt")
    journal.append("end", status="FINISHED", at=int(time.time() * 1000))
    journal.close()
    journal.release()
    return journal.folder.id


def sweep_journal(uri: str, parent: str) -> str:
    journal = Journal({"uri": uri, "run_id": parent, "is_sweep": True, "owner": "me", "start": 0})
    journal.append("conclude", owner="me", status="FINISHED")
    journal.close()
    journal.release()
    return journal.folder.id


def test_a_run_that_cannot_be_sent_delays_no_other(store: str) -> None:
    """A proxy before the artifacts takes no file of that size; another run belongs to a sweep that is not there."""
    client = MlflowClient(store)
    with answering(413, {"error": "too large"}) as proxy:
        where = client.create_experiment("too_large", artifact_location=f"{proxy}/artifacts")
        parents = [client.create_run(where, tags={"sweep": "seed=1"}).info.run_id for _ in range(2)]
        large = ended_run(store, "too_large", note=True)
        trial = ended_run(store, "too_large", note=True, parent=parents[0])
        orphan = ended_run(store, "too_large", parent=(sweep := ended_run(store, "gone")))
        waiting, concluded = [sweep_journal(store, parent) for parent in parents]
        small = ended_run(store, "too_large")
        (waits,) = [folder for folder in left() if folder.id == sweep]
        (waits.path / "journal.jsonl").rename(hidden := waits.path / "hidden")  # as if it were not sent yet
        sent = send_left(store)
        hidden.rename(waits.path / "journal.jsonl")
    assert set(sent.kept) == {large, trial, orphan, waiting}
    assert "413" in sent.kept[large]
    assert f"run {sweep} is not in the store yet" in sent.kept[orphan]
    assert trial in sent.kept[waiting]
    assert concluded not in sent.kept
    assert [client.get_run(run_id).data.tags["journal"] for run_id in sent.runs] == [small]
    assert [client.get_run(parent).info.status for parent in parents] == ["RUNNING", "FINISHED"]


@pytest.mark.parametrize(("status", "away"), [(400, False), (413, False), (429, True), (500, True), (503, True)])
def test_which_answers_mean_that_the_store_is_away(store: str, status: int, away: bool) -> None:
    """Of a server that is asked for a run, and of one that has only the artifacts."""
    with answering(status, "in words") as uri:
        with pytest.raises(MlflowException) as of_run:
            MlflowClient(uri).get_run("a" * 32)
        with pytest.raises((requests.HTTPError, MlflowException)) as of_artifacts:
            MlflowClient(store).list_artifacts(run_with_artifacts(store, uri))
    assert (is_away(of_run.value), is_away(of_artifacts.value)) == (away, away)


def run_with_artifacts(store: str, uri: str) -> str:
    client, place = MlflowClient(store), f"{uri}/api/2.0/mlflow-artifacts/artifacts/a"
    where = client.create_experiment(f"artifacts {uri}", artifact_location=place)
    run_id: str = client.create_run(where).info.run_id
    return run_id


def test_a_store_that_does_not_answer_is_asked_once() -> None:
    uri = f"http://{HOST}:{free_port()}"
    ids = [ended_run(uri, "away") for _ in range(3)]
    kept = send_left(uri).kept
    assert list(kept) == ids
    assert ["Connection refused" in why for why in kept.values()] == [True, False, False]


def test_a_store_that_cannot_be_used_delays_no_other_store(store: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = ended_run(f"sqlite:///{tmp_path}/file/mlflow.db", "broken")
    ended_run(store, "whole")
    sent = send_left(None)
    assert "cannot be used" in sent.kept[broken]
    assert len(sent.runs) == 1


def test_a_model_whose_artifacts_are_denied_is_an_error_in_a_line(store: str) -> None:
    with answering(403, {"error": "you may not"}) as uri:
        run_id = run_with_artifacts(store, uri)
        with pytest.raises(ModelError, match=f"{run_id}: cannot be fetched from the store: 403 Client Error"):
            find_stored(run_id, store)
