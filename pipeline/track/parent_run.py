"""The parent run of a sweep: opened before its first job or taken up again, closed after its last, told the best."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Metric, RunTag, ViewType
from mlflow.entities import Run as MlflowRun

from pipeline.config import Config
from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime import process, signals
from pipeline.runtime.signals import held
from pipeline.track.children import BEGUN, PARENT_VARIABLE, children, close_lost
from pipeline.track.machines import LEADER_VARIABLE, PROCESS, one_at_a_time, others
from pipeline.track.query import FINISHED
from pipeline.track.store import STORE_ERRORS, connected, experiment_id
from pipeline.track.tracked_run import TrackedRun, one_per_job, tracked

log = logging.getLogger(__name__)


@dataclass
class Sweep:
    """A sweep's parent run and, once the last job has ended, its children, one for each job."""

    run_id: str
    name: str
    uri: str
    taken_up: bool = False  # rather than begun: the same command was given before
    n_before: int = 0  # children that were finished when it was taken up
    n_lost: int = 0  # children that a dead process had left RUNNING
    status: str = "FAILED"
    children: list[TrackedRun] = field(default_factory=list)

    def n_in_state(self, *states: str) -> int:
        """How many children ended so: finished, pruned, failed, killed, or running if they have not ended."""
        return sum(run.state in states for run in self.children)


@contextlib.contextmanager
def sweep(config: Config, key: str, tags: Mapping[str, str]) -> Iterator[Sweep]:
    """Opens the parent run, or takes up that of the same command again, and closes it, whatever happens to the jobs.

    Args:
        config: Of the first job.
        key: The same for the same command.
        tags: What to tell about the sweep, such as its command.
    """
    with contextlib.ExitStack() as closed:
        with held():
            with connected(config.tracking) as uri:
                where = experiment_id(config.tracking, uri)
                with one_at_a_time(uri, where, f"sweep {key}"):
                    opened = _opened(config, uri, where, {"sweep_key": key, "objective": config.objective, **tags})
            closed.enter_context(_ends(opened, config.tracking))
        yield opened


@contextlib.contextmanager
def _ends(opened: Sweep, tracking: Tracking) -> Iterator[None]:
    """Leads a sweep by its parent run, and closes it, whatever happens to the jobs."""
    client = mlflow.MlflowClient(opened.uri)
    mine = PROCESS + process.name()
    os.environ |= {PARENT_VARIABLE: opened.run_id, LEADER_VARIABLE: process.name()}
    try:
        with process.signs_of_life(lambda: client.set_tag(opened.run_id, mine, str(time.time()))):
            yield
        opened.status = "FINISHED"
    except KeyboardInterrupt:
        signals.leave()
        opened.status = "KILLED"
        raise
    finally:
        del os.environ[PARENT_VARIABLE], os.environ[LEADER_VARIABLE]
        try:
            with held(), connected(tracking):
                opened.children += _jobs(opened.run_id)
                _conclude(opened)
        except (OSError, *STORE_ERRORS) as error:  # told, but no reason to hide what ended the sweep
            log.error("%s: the sweep's run could not be closed: %s", opened.uri, str(error).partition("\n")[0])


@held()
def log_best(parent: str, best: TrackedRun, figures: Mapping[str, float]) -> None:
    """Writes to a sweep's parent run which of its runs is the best.

    Args:
        parent: Id of the parent run.
        best: That run.
        figures: What to log of it and of its configuration, by names that get `best_` in front.

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


def _opened(config: Config, uri: str, where: str, tags: Mapping[str, str]) -> Sweep:
    client = mlflow.MlflowClient()
    now = {BEGUN: str(int(time.time() * 1000)), PROCESS + process.name(): str(time.time())}
    before = _before(where, tags["sweep_key"]) if config.sweep.resume == "auto" else None
    if before is None:
        own = {**{name: str(value) for name, value in config.tracking.tags.items()}, **tags, **now}
        with mlflow.start_run(experiment_id=where, run_name=config.tracking.run_name, tags=own) as active:
            opened = Sweep(active.info.run_id, active.info.run_name, uri)
    else:
        opened = Sweep(before.info.run_id, before.info.run_name, uri, taken_up=True)
        if others(before.data.tags, process.name()):  # at work on it: their failures count as well
            del now[BEGUN]
        for name, value in now.items():
            client.set_tag(opened.run_id, name, value)
        opened.n_lost = close_lost(opened.run_id)
        opened.n_before = len(_jobs(opened.run_id, FINISHED))
    client.update_run(opened.run_id, status="RUNNING")  # no run of this thread, so that the jobs can be
    return opened


def _before(experiment: str, key: str) -> MlflowRun | None:
    found = mlflow.MlflowClient().search_runs([experiment], f"tags.sweep_key = '{key}'", ViewType.ACTIVE_ONLY, 1)
    return found[0] if found else None


def _jobs(parent: str, query: str = "") -> list[TrackedRun]:
    return one_per_job(tracked(run) for run in children(parent, query))


def _conclude(opened: Sweep) -> None:
    client = mlflow.MlflowClient()
    n_finished = opened.n_in_state("finished")
    client.log_metric(opened.run_id, "n_finished", n_finished)
    client.log_metric(opened.run_id, "n_failed", opened.n_in_state("failed", "killed"))
    client.log_metric(opened.run_id, "n_pruned", opened.n_in_state("pruned"))
    client.delete_tag(opened.run_id, PROCESS + process.name())
    if others(client.get_run(opened.run_id).data.tags, process.name()):
        return  # which close it in the end
    # A job that failed does not spoil the sweep; the exit code and n_failed tell of it.
    status = "FINISHED" if n_finished and opened.status != "KILLED" else opened.status
    client.set_terminated(opened.run_id, status)
