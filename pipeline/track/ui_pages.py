"""Addresses of pages in MLflow's UI, relative to its server; the store must be connected.

Lists of runs have selected columns: a view that is stored as a tag of the experiment, as by MLflow's button "Share
view". By default MLflow does not show scores.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType

from pipeline.config.scores import direction
from pipeline.errors import TrackingError
from pipeline.runtime.program import program
from pipeline.track.address import sqlite_path
from pipeline.track.find_run import run_of
from pipeline.track.query import NEWEST_FIRST, last_finished, select_runs
from pipeline.track.simultaneous import retried
from pipeline.track.store import STORE_ERRORS, as_tracking_error, connected_to, first_line

TRAINING = "workflowType=machine_learning"  # without it MLflow 3 shows its pages for language models
LOCAL = "http://127.0.0.1:5000"  # where the command `ui` serves a store without a server
VIEW = "mlflow.sharedViewState."  # tag of an experiment
VIEW_OF_ALL = "pipeline"
MAX_RUNS = 200  # newest runs whose parameters are compared
MAX_PARAMS = 6
SCORES = ("objective", "test_rmse", "test_r2", "test_log_loss", "test_accuracy")
PARAMS_FIRST = ("data.path", "model.name", "model.units", "fit.learning_rate", "seed")


def local_address(uri: str, page: Callable[[str], str], name: str) -> str | None:
    """Returns a page's address if `ui` runs; None for a store with its own server or without an answer.

    Args:
        uri: Of the store.
        page: One of the functions below.
        name: Its argument.
    """
    path = sqlite_path(uri)
    if path is None or not path.exists():  # connecting would make it
        return None
    with contextlib.suppress(TrackingError), connected_to(uri):  # an unreachable store has already been reported
        return f"{LOCAL}{page(name)}"
    return None


def page_of_run(run_id: str) -> str:
    """Returns the page of a run.

    Raises:
        TrackingError: No such run, or the store does not answer.
    """
    try:
        found = run_of(mlflow.MlflowClient(), run_id).info
    except STORE_ERRORS as error:
        raise TrackingError(f"run {run_id}: {first_line(error)}; {program()} ui lists all runs") from None
    return f"/#/experiments/{found.experiment_id}/runs/{found.run_id}?{TRAINING}"


def page_of_sweep(sweep: str) -> str:
    """Returns the page of a sweep's trials, best first.

    Args:
        sweep: Id of its parent run, the beginning of that id, or its name.

    Raises:
        TrackingError: No such sweep, or the store does not answer.
    """
    parent = select_runs(sweep=sweep).parent
    assert parent is not None  # select_runs sets it for a sweep
    with _errors_of_store():
        where = mlflow.MlflowClient().get_run(parent.id).info.experiment_id
        of_sweep = f"tags.mlflow.parentRunId = '{parent.id}'"
        runs = _newest([where], of_sweep)
        compared = next((run.data.tags["objective"] for run in runs if "objective" in run.data.tags), "")
        order = {"orderByKey": "metrics.`objective`", "orderByAsc": direction(compared) != "maximize"}
        return _list(where, parent.id, runs, {"searchFilter": of_sweep} | order)


def page_of_experiment(name: str | None = None) -> str:
    """Returns the page of an experiment's runs; None for the last used one, or for an empty store all experiments.

    Raises:
        TrackingError: No such experiment, or the store does not answer.
    """
    if name is not None:
        last_finished(name)  # raises with the nearest names
    client = mlflow.MlflowClient()
    with _errors_of_store():
        every = [found.experiment_id for found in client.search_experiments() if name in (None, found.name)]
        newest = client.search_runs(every, "", ViewType.ACTIVE_ONLY, 1, [NEWEST_FIRST])
        where = newest[0].info.experiment_id if newest else every[0]
        if not newest and name is None:
            return f"/#/experiments?{TRAINING}"
        return _list(where, VIEW_OF_ALL, _newest([where], ""), {})


def _newest(where: list[str], query: str) -> list[MlflowRun]:
    found = mlflow.MlflowClient().search_runs(where, query, ViewType.ACTIVE_ONLY, MAX_RUNS, [NEWEST_FIRST])
    return [run for run in found if "sweep" not in run.data.tags]


def _list(experiment_id: str, view: str, runs: list[MlflowRun], state: dict[str, object]) -> str:
    """Returns the page of runs with columns for scores and for parameters that differ; stores the view."""
    columns = [f"metrics.`{name}`" for name in SCORES if any(name in run.data.metrics for run in runs)]
    columns += [f"params.`{name}`" for name in _differing(runs)[:MAX_PARAMS]]
    kept = json.dumps({"selectedColumns": columns} | state)
    client = mlflow.MlflowClient()
    retried(lambda: client.set_experiment_tag(experiment_id, f"{VIEW}{view}", kept))
    return f"/#/experiments/{experiment_id}/runs?viewStateShareKey={view}&{TRAINING}"


def _differing(runs: list[MlflowRun]) -> list[str]:
    """Returns the parameters that differ between runs, most informative first."""
    names = dict.fromkeys(name for run in runs for name in run.data.params if not name.startswith("tracking."))
    first = sorted(names, key=lambda name: PARAMS_FIRST.index(name) if name in PARAMS_FIRST else len(PARAMS_FIRST))
    by_values: dict[tuple[str | None, ...], str] = {}  # one of the parameters that vary together is enough
    for name in first:
        by_values.setdefault(tuple(run.data.params.get(name) for run in runs), name)
    return [name for values, name in by_values.items() if len(set(values)) > 1]


@contextlib.contextmanager
def _errors_of_store() -> Iterator[None]:
    try:
        yield
    except STORE_ERRORS as error:
        raise as_tracking_error(mlflow.get_tracking_uri(), error) from None
