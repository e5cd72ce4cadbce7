"""The parent run of a sweep: opened before its first job or taken up again, told the best of its children, closed."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType

from pipeline.config import Config, direction
from pipeline.runtime import process
from pipeline.track.children import BEGUN, PARENT_VARIABLE, children, close_lost
from pipeline.track.machines import LEADER_VARIABLE, PROCESS, one_at_a_time, others
from pipeline.track.store import STORE_ERRORS, connected, experiment_id

log = logging.getLogger(__name__)


@dataclass
class Sweep:
    """A sweep's parent run and, once the last job has ended, its children: best first, failed ones last."""

    run_id: str
    name: str
    uri: str
    taken_up: bool = False  # rather than begun: the same command was given before
    n_before: int = 0  # children that were finished when it was taken up
    n_lost: int = 0  # children that a dead process had left RUNNING
    status: str = "FAILED"
    children: list[MlflowRun] = field(default_factory=list)

    def with_status(self, status: str) -> list[MlflowRun]:
        """The children that ended so."""
        return [run for run in self.children if outcome(run) == status]


def outcome(run: MlflowRun) -> str:
    """How a child ended: its status, or PRUNED."""
    return "PRUNED" if "pruned" in run.data.tags else str(run.info.status)


@contextlib.contextmanager
def sweep(config: Config, key: str, tags: Mapping[str, str]) -> Iterator[Sweep]:
    """Opens the parent run, or takes up that of the same command again, and closes it, whatever happens to the jobs.

    Args:
        config: Of the first job.
        key: The same for the same command.
        tags: What to tell about the sweep, such as its command.
    """
    with connected(config.tracking) as uri:
        where = experiment_id(config.tracking, uri)
        with one_at_a_time(uri, where, f"sweep {key}"):
            opened = _opened(config, uri, where, {"sweep_key": key, "objective": config.objective, **tags})
    client = mlflow.MlflowClient(opened.uri)
    mine = PROCESS + process.name()
    os.environ |= {PARENT_VARIABLE: opened.run_id, LEADER_VARIABLE: process.name()}
    try:
        with process.signs_of_life(lambda: client.set_tag(opened.run_id, mine, str(time.time()))):
            yield opened
        opened.status = "FINISHED"
    except KeyboardInterrupt:
        opened.status = "KILLED"
        raise
    finally:
        del os.environ[PARENT_VARIABLE], os.environ[LEADER_VARIABLE]
        try:
            with connected(config.tracking):
                opened.children += ranked(list(children(opened.run_id)), config.objective)
                _conclude(opened)
        except (OSError, *STORE_ERRORS) as error:  # told, but no reason to hide what ended the sweep
            log.error("%s: the sweep's run could not be closed: %s", uri, str(error).partition("\n")[0])


def ranked(runs: list[MlflowRun], objective: str) -> list[MlflowRun]:
    """The runs of a sweep, of each job the one that counts; best first, then what was pruned, failed or killed."""
    order = ["FINISHED", "PRUNED", "RUNNING", "FAILED", "KILLED"]
    of_jobs: dict[str, MlflowRun] = {}
    for run in sorted(runs, key=lambda run: (order.index(outcome(run)), -run.info.start_time)):
        of_jobs.setdefault(run.data.tags.get("overrides", run.info.run_id), run)
    sign = -1 if direction(objective) == "maximize" else 1

    def rank(run: MlflowRun) -> tuple[int, float]:
        return order.index(outcome(run)), sign * run.data.metrics.get("objective", 0.0)

    return sorted(of_jobs.values(), key=rank)


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
        opened.n_before = len(ranked(list(children(opened.run_id, "attributes.status = 'FINISHED'")), config.objective))
    client.update_run(opened.run_id, status="RUNNING")  # no run of this thread, so that the jobs can be
    return opened


def _before(experiment: str, key: str) -> MlflowRun | None:
    found = mlflow.MlflowClient().search_runs([experiment], f"tags.sweep_key = '{key}'", ViewType.ACTIVE_ONLY, 1)
    return found[0] if found else None


def _conclude(opened: Sweep) -> None:
    client = mlflow.MlflowClient()
    finished = opened.with_status("FINISHED")
    counts = {status: len(opened.with_status(status)) for status in ("FAILED", "PRUNED", "KILLED")}
    client.log_metric(opened.run_id, "n_finished", len(finished))
    client.log_metric(opened.run_id, "n_failed", counts["FAILED"] + counts["KILLED"])
    client.log_metric(opened.run_id, "n_pruned", counts["PRUNED"])
    if finished:
        best = finished[0]
        client.set_tag(opened.run_id, "best_run_id", best.info.run_id)
        client.set_tag(opened.run_id, "best_run_name", best.info.run_name)
        client.set_tag(opened.run_id, "best_overrides", best.data.tags.get("overrides", ""))
        client.log_metric(opened.run_id, "best_objective", best.data.metrics["objective"])
        for name, value in best.data.metrics.items():
            if name.startswith(("val_", "test_")) and name != "val_loss":  # which is a value of epochs
                client.log_metric(opened.run_id, f"best_{name}", value)
    client.delete_tag(opened.run_id, PROCESS + process.name())
    if others(client.get_run(opened.run_id).data.tags, process.name()):
        return  # which close it in the end
    # A job that failed does not spoil the sweep; the exit code and n_failed tell of it.
    status = "FINISHED" if finished and opened.status != "KILLED" else opened.status
    client.set_terminated(opened.run_id, status)
