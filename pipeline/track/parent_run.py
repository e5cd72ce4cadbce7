"""The parent run of a sweep: opened or resumed before the first job, closed after the last one."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import mlflow
from mlflow.entities import Metric, RunTag, ViewType
from mlflow.entities import Run as MlflowRun

from pipeline.config import Config
from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime import process, signals
from pipeline.runtime.program import program
from pipeline.runtime.signals import held
from pipeline.track.children import BEGUN, close_lost
from pipeline.track.conclusion import conclude, jobs, n_in_state
from pipeline.track.find_run import run_of
from pipeline.track.header import name_of, run_header
from pipeline.track.inherited import PARENT_VARIABLE
from pipeline.track.invented_name import invented_name
from pipeline.track.machines import LEADER_VARIABLE, PROCESS, one_at_a_time, others
from pipeline.track.query import FINISHED
from pipeline.track.simultaneous import retried
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.log_to_mlflow import is_refused
from pipeline.track.spool.unfinished_runs import send_left
from pipeline.track.store import STORE_ERRORS, as_tracking_error, connected, connected_to, experiment_of, said
from pipeline.track.tracked_run import TrackedRun
from pipeline.track.worker.sender import Sender

AWAY_SECONDS = 20.0  # to wait for an unresponsive store after the sweep
KILLED_SECONDS = 3.0  # the same after a signal

log = logging.getLogger(__name__)


@dataclass
class ParentRun:
    """A sweep's parent run and, after the last job has ended, its children, one for each job."""

    run_id: str
    name: str
    uri: str
    taken_up: bool = False  # resumed rather than started
    n_before: int = 0  # children that were finished when it was resumed
    is_away: bool = False  # the store did not answer when it was started
    is_over: bool = False  # it was not interrupted, and no other process leads it
    n_lost: int = 0  # children that a dead process left RUNNING
    status: str = "FAILED"
    children: list[TrackedRun] = field(default_factory=list)

    def n_in_state(self, *states: str) -> int:
        """Counts the children in some states: finished, pruned, failed, killed or running."""
        return n_in_state(self.children, *states)


@contextlib.contextmanager
def sweep(config: Config, key: str, tags: Mapping[str, str]) -> Iterator[ParentRun]:
    """Opens the parent run, or resumes that of the same command, and closes it in any case.

    Args:
        config: Of the first job.
        key: Equal for a repeated command.
        tags: Tags of the sweep, such as its command.
    """
    with contextlib.ExitStack() as closed:
        with held():
            known = {"sweep_key": key, "objective": config.objective, **tags}
            with connected(config.tracking) as uri:
                opened = _opened_where_it_is_there(config, uri, known) or _opened_in_the_spool(config, uri, known)
            closed.enter_context(_ends(opened, config.tracking))
        yield opened


@contextlib.contextmanager
def _ends(opened: ParentRun, tracking: Tracking) -> Iterator[None]:
    """Leads a sweep, and closes its parent run in any case."""
    client, journal = mlflow.MlflowClient(opened.uri), _begun(opened)
    mine = PROCESS + process.name()
    os.environ |= {PARENT_VARIABLE: opened.run_id, LEADER_VARIABLE: process.name()}
    try:
        with process.heartbeat(lambda: client.set_tag(opened.run_id, mine, str(time.time()))):
            yield
        opened.status = "FINISHED"
    except KeyboardInterrupt:
        signals.leave()
        opened.status = "KILLED"
        raise
    finally:
        del os.environ[PARENT_VARIABLE], os.environ[LEADER_VARIABLE]
        with held():
            _conclude(opened, journal, KILLED_SECONDS if opened.status == "KILLED" else AWAY_SECONDS)


@held()
def log_best(parent: str, best: TrackedRun, figures: Mapping[str, float]) -> None:
    """Logs the best run of a sweep to its parent run.

    Args:
        parent: Id of the parent run.
        best: The best run.
        figures: Metrics of the run and its configuration, by names without the prefix `best_`.

    Raises:
        TrackingError: The store does not answer.
    """
    client, now = mlflow.MlflowClient(), int(time.time() * 1000)
    known = {"run_id": best.id, "run_name": best.name, "overrides": best.tags.get("overrides", "")}
    tags = [RunTag(f"best_{name}", text) for name, text in known.items()]
    metrics = [Metric(f"best_{name}", value, now, 0) for name, value in figures.items()]
    try:
        client.log_batch(parent, metrics, tags=tags)
    except STORE_ERRORS as error:
        raise TrackingError(f"run {parent}: its best run cannot be logged: {str(error).splitlines()[0]}") from None


def _opened_where_it_is_there(config: Config, uri: str, tags: Mapping[str, str]) -> ParentRun | None:
    """Opens or resumes the parent run in the store; None if the store does not answer.

    Raises:
        TrackingError: The store refuses the run.
    """
    try:
        lost = send_left(uri).closed
        where = experiment_of(mlflow.MlflowClient(), config.tracking.experiment, uri)
        with one_at_a_time(uri, where, f"sweep {tags['sweep_key']}"):
            opened = _opened(config, uri, where, tags)
        opened.n_lost += list(lost.values()).count(opened.run_id)
        return opened
    except STORE_ERRORS as error:
        if is_refused(error):
            raise as_tracking_error(uri, error) from None
        log.warning("the store does not answer (%s); the sweep starts without it", said(uri, error))
        return None


def _opened_in_the_spool(config: Config, uri: str, tags: Mapping[str, str]) -> ParentRun:
    """Opens a parent run in the spool, which is sent to the store when that answers."""
    header = run_header(config, uri, {**tags, **_marks()})
    journal = Journal(header)
    journal.append("leave")
    journal.close()
    Sender(journal)
    return ParentRun(journal.folder.id, str(header["name"]), uri, is_away=True)


def _marks() -> dict[str, str]:
    """Returns tags with the time at which this process started to lead the sweep, and its sign of life."""
    return {BEGUN: str(int(time.time() * 1000)), PROCESS + process.name(): str(time.time())}


def _opened(config: Config, uri: str, where: str, tags: Mapping[str, str]) -> ParentRun:
    client, now = mlflow.MlflowClient(), _marks()
    before = _before(where, tags["sweep_key"]) if config.sweep.resume == "auto" else None
    if before is None:
        own = {**{name: str(value) for name, value in config.tracking.tags.items()}, **tags, **now}
        with mlflow.start_run(
            experiment_id=where, run_name=config.tracking.run_name or name_of(config, invented_name()), tags=own
        ) as active:
            opened = ParentRun(active.info.run_id, active.info.run_name, uri)
    else:
        opened = ParentRun(before.info.run_id, before.info.run_name, uri, taken_up=True)
        if others(before.data.tags, process.name()):  # they lead it too, and their failures count
            del now[BEGUN]
        for name, value in now.items():
            retried(partial(client.set_tag, opened.run_id, name, value))
        opened.n_lost = close_lost(opened.run_id)
        opened.n_before = len(jobs(opened.run_id, FINISHED))
    client.update_run(opened.run_id, status="RUNNING")  # start_run has ended it; the jobs are runs of this thread
    return opened


def _begun(opened: ParentRun) -> Journal:
    """Makes the journal that closes the parent run; if this process dies, the next command on the store does it.

    Raises:
        TrackingError: The journal cannot be written; the parent run is then closed.
    """
    try:
        return Journal({
            "uri": opened.uri, "run_id": opened.run_id, "is_sweep": True, "owner": process.name(),
            "start": int(time.time() * 1000),
        })  # fmt: skip
    except TrackingError:
        _conclude_at_once(opened)
        raise


def _conclude_at_once(opened: ParentRun) -> None:
    """Closes the parent run without a journal, if the store answers."""
    with contextlib.suppress(*STORE_ERRORS), connected_to(opened.uri):
        conclude(opened.run_id, process.name(), opened.status)


def _conclude(opened: ParentRun, journal: Journal, seconds: float) -> None:
    """Closes the parent run when the store has all its children, now or at a later `sync`.

    Args:
        opened: The sweep.
        journal: From `_begun`.
        seconds: How long to wait for the store.
    """
    journal.append("conclude", owner=process.name(), status=opened.status)
    try:
        journal.close()
    except TrackingError as error:  # logged, so as not to hide the error that ended the sweep
        log.error("%s", error)
        journal.folder.remove()
        journal.release()
        _conclude_at_once(opened)
        return
    journal.release()
    end = time.monotonic() + seconds
    while journal.folder.id in send_left(opened.uri).kept:
        if time.monotonic() < end:
            time.sleep(1.0)
            continue
        log.warning("the store has not received all runs of the sweep; `%s sync` sends the rest", program())
        return
    with contextlib.suppress(*STORE_ERRORS), connected_to(opened.uri):
        info = run_of(mlflow.MlflowClient(), opened.run_id).info
        opened.run_id, opened.is_over = info.run_id, info.status != "RUNNING" and opened.status != "KILLED"
        opened.children += jobs(opened.run_id)


def _before(experiment: str, key: str) -> MlflowRun | None:
    found = mlflow.MlflowClient().search_runs([experiment], f"tags.sweep_key = '{key}'", ViewType.ACTIVE_ONLY, 1)
    return found[0] if found else None
