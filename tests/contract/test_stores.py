"""Every kind of store: SQLite, MLflow's server over it, and one over PostgreSQL, there and away."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import load, run
from pipeline.data import load as load_data
from pipeline.inference.locate import resolve
from pipeline.runtime.atomic_files import prefix
from pipeline.track import send_left, start
from pipeline.track.conclusion import conclude
from pipeline.track.header import run_header
from pipeline.track.simultaneous import retried
from pipeline.track.spool.folders import Spooled, left
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.log_to_mlflow import Transfer
from pipeline.track.store import connected_to
from support import patched_worker
from support.contents import digests, files, known
from support.servers import Way, mlflow_server, postgres

WORDS = ("data=iris", "model.units=[8]", "fit.epochs=4", "baselines=[]", "fit.execution=graph")
AWAY_SECONDS = float(os.environ.get("PIPELINE_AWAY", "1"))  # thirty and more by `PIPELINE_AWAY=30`


class Store:
    """A store that can be taken away."""

    def __init__(self, uri: str, way: Way | None) -> None:
        self.uri, self._way = uri, way

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """A server refuses connections; a SQLite file is locked by another process's writing."""
        if self._way is not None:
            self._way.cut()
            yield
            self._way.restore()
            return
        with contextlib.closing(sqlite3.connect(self.uri.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")


@pytest.fixture(
    scope="module", params=["sqlite", *(pytest.param(name, marks=pytest.mark.slow) for name in ("server", "postgres"))]
)
def there(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of each kind, with an experiment that has a run."""
    folder = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        uri, way = f"sqlite:///{folder}/mlflow.db", None
        if request.param != "sqlite":
            backend = stack.enter_context(postgres()) if request.param == "postgres" else uri
            way = Way(stack.enter_context(mlflow_server(folder, backend)))
            stack.callback(way.cut)
            uri = way.address
        run(load(*WORDS, f"tracking.uri={uri}"))
        yield Store(uri, way)


@pytest.fixture(scope="module", autouse=True)
def _short_waits() -> Iterator[None]:
    with patched_worker.installed(waits=[1]):
        yield


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Waits for a store that is away are bounded by seconds here, and each test has a spool of its own."""
    monkeypatch.setattr("pipeline.track.start_run.AWAY_SECONDS", 4.0)
    monkeypatch.setattr("pipeline.track.run.START_SECONDS", 2.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("PIPELINE_SPOOL", str(tmp_path / "spool"))


def runs(store: Store, experiment: str) -> list[Run]:
    found = store.client.get_experiment_by_name(experiment)
    return list(store.client.search_runs([found.experiment_id])) if found else []


def test_tags_that_are_set_at_the_same_moment(there: Store) -> None:
    """As by two commands that start one sweep on different machines."""
    own = [there.client for _ in range(4)]
    run_id = there.client.create_run("0").info.run_id

    def claim(number: int, process: int, start: threading.Barrier) -> None:
        start.wait()
        retried(lambda: own[process].set_tag(run_id, f"claim {number}", str(process)))

    with ThreadPoolExecutor(4) as pool:
        for number in range(20):
            list(pool.map(claim, [number] * 4, range(4), [threading.Barrier(4)] * 4))
    tags = there.client.get_run(run_id).data.tags
    assert all(tags[f"claim {number}"] in "0123" for number in range(20))


def test_what_arrives_is_whole_and_the_spool_is_empty(there: Store) -> None:
    (found,) = runs(there, "iris")
    seen = known(there.uri, found)
    assert seen["status"] == "FINISHED"
    assert seen["steps"]["loss"] == [1, 2, 3, 4]
    assert seen["models"] == ["READY"]
    assert set(seen["artifacts"]) >= {"config.yaml", "inputs.json", "data/report.json", "card.md"}
    assert left() == []


def test_sending_again_changes_nothing(there: Store, tmp_path: Path) -> None:
    """As after a process that died between any two entries, or before it could write how far it was."""
    with patched_worker.installed(keeps=[str(tmp_path / "kept")]):
        run(load(*WORDS, f"tracking.uri={there.uri}", "tracking.experiment=again"))
    (found,) = runs(there, "again")
    before = known(there.uri, found)
    (kept,) = (tmp_path / "kept").iterdir()
    again = Spooled(kept)
    offsets = [0, *(offset for _, offset in again.entries(0))]
    for offset in offsets[:: max(1, len(offsets) // 6)]:
        again.keep_sent(again.sent | {"offset": offset})
        Transfer(again, alive=False).send()
    (again.path / "sent.json").unlink()
    Transfer(again, alive=False).send()
    (found,) = runs(there, "again")
    assert known(there.uri, found) == before


@pytest.mark.parametrize("when", ["start", "middle", "end"])
def test_a_run_whose_store_is_away(
    there: Store, when: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It trains, its model can be used, and `sync` brings to the store what an undisturbed run has there."""
    (undisturbed,) = runs(there, "iris")
    config = load(*WORDS, f"tracking.uri={there.uri}", f"tracking.experiment=away_{when}")
    with contextlib.ExitStack() as away:
        if when == "start":
            away.enter_context(there.away())
        else:
            method = {"middle": "log_epoch", "end": "log_saved_model"}[when]
            from pipeline.track import Run as Tracked

            original, calls = getattr(Tracked, method), []

            def leaves(*args: Any) -> Any:
                calls.append(args)
                if len(calls) == 1:
                    away.enter_context(there.away())
                return original(*args)

            monkeypatch.setattr(Tracked, method, leaves)
        result = run(config)
        assert " sync` sends the rest" in caplog.text
        assert (Path(result.model_path) / "saved_model.pb").is_file()
        assert "Traceback" not in caplog.text
        if when == "start":
            assert runs(there, f"away_{when}") == [] if there.uri.startswith("sqlite") else True
        time.sleep(AWAY_SECONDS)
    (folder,) = left()
    written = digests(folder.artifacts)
    sent = send_left(there.uri)
    assert len(sent.runs) == 1
    assert not sent.kept
    (found,) = runs(there, f"away_{when}")
    seen, expected = known(there.uri, found), known(there.uri, undisturbed)
    assert seen == expected
    assert files(there.uri, found.info.artifact_uri)[0] == written
    assert resolve(result.run_id, there.uri).run_id == found.info.run_id  # by the id that it had at first
    assert send_left(there.uri).runs == []


def test_a_run_whose_store_comes_back_is_whole_when_it_ends(there: Store) -> None:
    config = load(*WORDS, f"tracking.uri={there.uri}", "tracking.experiment=back")
    with start(config, load_data(config.data), about={}) as tracked:
        with there.away():
            for epoch in range(1, 21):
                tracked.log_epoch(epoch, {"loss": 1 / epoch})
                time.sleep(0.1)
        tracked.log_final({"objective": 1.0})
    (found,) = runs(there, "back")
    assert (found.info.status, tracked.id, tracked.unsent) == ("FINISHED", found.info.run_id, None)
    assert known(there.uri, found)["steps"]["loss"] == [*range(1, 21)]


def test_a_run_is_made_once_though_the_answer_is_lost(there: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The store makes it, and then nobody hears of it."""
    config = load(*WORDS, f"tracking.uri={there.uri}", "tracking.experiment=lost")
    with patched_worker.installed(loses_an_answer=[]), start(config, load_data(config.data), about={}) as tracked:
        tracked.log_epoch(1, {"loss": 1.0})
        time.sleep(2)
    assert "the store does not answer since" in caplog.text
    assert "(lost)" in caplog.text
    (found,) = runs(there, "lost")
    assert found.info.run_id == tracked.id


def test_a_run_whose_process_was_killed_while_the_store_was_away(there: Store) -> None:
    """What it had written is in the store after `sync`, and it is KILLED."""
    config = load(*WORDS, f"tracking.uri={there.uri}", "tracking.experiment=killed")
    pid = os.fork()
    if pid == 0:  # no thread of the store's client is in this process yet
        journal = Journal(run_header(config, there.uri, {"owner": "none"}))
        journal.append("metrics", values=[["loss", 0.5, 1_700_000_000_000, 1]])
        os.write(journal._file, b'{"kind": "metr')  # as far as it came
        os._exit(9)
    os.waitpid(pid, 0)
    sent = send_left(there.uri)
    assert (len(sent.closed), len(sent.runs), sent.kept) == (1, 1, {})
    (found,) = runs(there, "killed")
    assert (found.info.status, found.data.tags["error"]) == ("KILLED", "its process is gone")
    assert found.data.metrics == {"loss": 0.5}


def test_a_run_that_its_command_goes_on_with_stays_open(
    there: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.track.spool.unfinished_runs.mlruns", lambda: tmp_path)
    journal = Journal(run_header(load(f"tracking.uri={there.uri}", "tracking.experiment=goes_on"), there.uri, {}))
    checkpoint = tmp_path / "checkpoints" / "configuration" / journal.folder.id / "00000001.npz"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    journal.close()
    journal.release()
    sent = send_left(there.uri)
    (found,) = runs(there, "goes_on")
    assert (sent.resumable, sent.closed, sent.kept) == ([found.info.run_id], {}, {})
    assert found.info.status == "RUNNING"
    checkpoint.unlink()
    assert list(send_left(there.uri).closed) == [journal.folder.id]
    assert runs(there, "goes_on")[0].info.status == "KILLED"


def test_a_sweep_whose_process_was_killed_is_killed_as_well(there: Store) -> None:
    """By the next command on the store; unless others have ended it since, who went on with it."""
    where = there.client.create_experiment("killed_sweeps")
    made = [there.client.create_run(where, tags={"sweep": "seed=1,2"}).info.run_id for _ in range(2)]
    for run_id in made:
        if os.fork() == 0:
            from pipeline.track.parent_run import ParentRun, _begun

            _begun(ParentRun(run_id, "killed", there.uri))
            os._exit(9)
        os.wait()
    there.client.set_terminated(made[1], "FINISHED")
    sent = send_left(there.uri)
    assert (list(sent.closed), sent.sweeps, sent.kept) == (made, [], {})
    assert [there.client.get_run(run_id).info.status for run_id in made] == ["KILLED", "FINISHED"]
    assert there.client.get_run(made[0]).data.metrics == {"n_finished": 0, "n_failed": 0, "n_pruned": 0}
    assert left() == []


def test_a_sweep_is_concluded_after_its_trials(there: Store) -> None:
    """Though its journal is older than theirs."""
    where = there.client.create_experiment("concluded")
    parent = there.client.create_run(where, tags={"sweep": "seed=1"}).info.run_id
    sweep = Journal({"uri": there.uri, "run_id": parent, "is_sweep": True, "owner": "me", "start": 0})
    header = run_header(load(f"tracking.uri={there.uri}", "tracking.experiment=concluded"), there.uri, {})
    trial = Journal(header | {"parent": parent})
    trial.append("end", status="FINISHED", at=int(time.time() * 1000))
    sweep.append("conclude", owner="me", status="FINISHED")
    for journal in (sweep, trial):
        journal.close()
        journal.release()
    sent = send_left(there.uri)
    assert (len(sent.runs), sent.sweeps) == (1, [(there.uri, parent)])
    assert there.client.get_run(parent).data.metrics["n_finished"] == 1


def test_of_two_machines_that_end_a_sweep_at_the_same_moment_one_closes_it(
    there: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = there.client.create_experiment("ended_by_two")
    owners = [f"{machine}/1/0.00" for machine in ("a", "b")]
    signs = {f"process.{owner}": str(time.time()) for owner in owners}
    parent = there.client.create_run(where, tags={"sweep": "seed=1", **signs}).info.run_id
    for seed in (1, 2):
        tags = {"mlflow.parentRunId": parent, "trial_key": str(seed)}
        there.client.set_terminated(there.client.create_run(where, tags=tags).info.run_id, "FINISHED")
    both, read = threading.Barrier(2), MlflowClient.get_run

    def read_together(client: MlflowClient, run_id: str) -> Run:
        found = read(client, run_id)
        with contextlib.suppress(threading.BrokenBarrierError):  # the other has ended
            both.wait(timeout=5)
        return found

    with connected_to(there.uri), monkeypatch.context() as patched, ThreadPoolExecutor(2) as machines:
        patched.setattr(MlflowClient, "get_run", read_together)
        list(machines.map(lambda owner: conclude(parent, owner, "FINISHED"), owners))
    ended = there.client.get_run(parent)
    assert ended.info.status == "FINISHED"
    assert ended.data.metrics == {"n_finished": 2, "n_failed": 0, "n_pruned": 0}
    assert not [name for name in ended.data.tags if name.startswith("process.")]


def test_what_a_killed_process_left_half_made_is_removed_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.track.spool.unfinished_runs.mlruns", lambda: tmp_path)
    name = f"{prefix()}abc"
    dead = name.replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    places = [tmp_path / part for part in ("spool", "baselines", "comparisons", "checkpoints/configuration/run")]
    for place in places:
        for half in (name, dead):
            (place / half).mkdir(parents=True)
            (place / half / "lock").touch()
    send_left("sqlite:///none.db")
    assert [[path.name for path in place.iterdir()] for place in places] == [[name]] * 4


def test_what_former_versions_left_half_made_goes_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names tell no process; whoever still writes there has written since yesterday."""
    monkeypatch.setattr("pipeline.track.spool.unfinished_runs.mlruns", lambda: tmp_path)
    yesterday, place = time.time() - 86_500, tmp_path / "baselines"
    for name in (".unfinished-old_one1", ".unfinished-growing_", ".unfinished-of-another", "unfinished-abcdefgh"):
        (place / name).mkdir(parents=True)
        (place / name / "part").touch()
        for path in (place / name / "part", place / name):
            os.utime(path, (yesterday, yesterday))
    os.utime(place / ".unfinished-growing_" / "part")
    (place / ".unfinished-fresh_12").touch()
    send_left("sqlite:///none.db")
    assert {path.name for path in place.iterdir()} == {
        ".unfinished-growing_", ".unfinished-of-another", ".unfinished-fresh_12", "unfinished-abcdefgh",
    }  # fmt: skip
