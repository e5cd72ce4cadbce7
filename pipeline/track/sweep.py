"""The parent run of a sweep: opened before its first job, told the best of its children, always closed."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType

from pipeline.config import Config, direction
from pipeline.track.store import connected, experiment_id

PARENT_VARIABLE = "PIPELINE_PARENT_RUN_ID"  # by the environment, so that it reaches every kind of launcher's jobs


def parent_run_id() -> str | None:
    """The sweep that this process's runs belong to."""
    return os.environ.get(PARENT_VARIABLE)


@dataclass
class Sweep:
    """A sweep's parent run and, once the last job has ended, its children: best first, failed ones last."""

    run_id: str
    name: str
    uri: str
    children: list[MlflowRun] = field(default_factory=list)


@contextlib.contextmanager
def sweep(config: Config, overrides: Sequence[str]) -> Iterator[Sweep]:
    """Opens the parent run and closes it, whatever happens to the jobs."""
    with connected(config.tracking) as uri:
        client = mlflow.MlflowClient()
        where = experiment_id(config.tracking, uri)
        tags = {"sweep": " ".join(overrides), "objective": config.objective, **_as_text(config.tracking.tags)}
        with mlflow.start_run(experiment_id=where, run_name=config.tracking.run_name, tags=tags) as active:
            opened = Sweep(active.info.run_id, active.info.run_name, uri)
        client.update_run(opened.run_id, status="RUNNING")  # no run of this thread, so that the jobs can be
        os.environ[PARENT_VARIABLE] = opened.run_id
    status = "FAILED"
    try:
        yield opened
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        del os.environ[PARENT_VARIABLE]
        with connected(config.tracking):
            opened.children += _ranked(where, opened.run_id, config.objective)
            _conclude(opened.run_id, opened.children, status)


def _ranked(experiment: str, parent: str, objective: str) -> list[MlflowRun]:
    query = f"tags.mlflow.parentRunId = '{parent}'"
    client, found, token = mlflow.MlflowClient(), [], None
    while page := client.search_runs([experiment], query, ViewType.ACTIVE_ONLY, 1000, page_token=token):
        found += page
        token = page.token
        if not token:
            break
    sign = -1 if direction(objective) == "maximize" else 1
    done = [run for run in found if run.info.status == "FINISHED"]
    return sorted(done, key=lambda run: sign * run.data.metrics["objective"]) + [
        run for run in found if run not in done
    ]


def _conclude(parent: str, children: list[MlflowRun], status: str) -> None:
    client = mlflow.MlflowClient()
    finished = [run for run in children if run.info.status == "FINISHED"]
    client.log_metric(parent, "n_finished", len(finished))
    client.log_metric(parent, "n_failed", len(children) - len(finished))
    if finished:
        best = finished[0]
        client.set_tag(parent, "best_run_id", best.info.run_id)
        client.set_tag(parent, "best_run_name", best.info.run_name)
        client.log_metric(parent, "best_objective", best.data.metrics["objective"])
    # A job that failed does not spoil the sweep; the exit code and n_failed tell of it.
    client.set_terminated(parent, "FINISHED" if finished and status != "KILLED" else status)


def _as_text(tags: dict[str, str | int | float | bool]) -> dict[str, str]:
    return {name: str(value) for name, value in tags.items()}
