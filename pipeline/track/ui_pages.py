"""Addresses of pages in MLflow's UI, behind that of its server; all of them need the store to be connected.

Lists of runs come with columns of their own: a view that is kept as a tag of the experiment, as MLflow's button
"Share view" keeps it. By itself MLflow shows no score.
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
from pipeline.track.find_run import run_of
from pipeline.track.moved_store import sqlite_path
from pipeline.track.query import NEWEST_FIRST, last_finished, select_runs
from pipeline.track.store import STORE_ERRORS, as_tracking_error, connected_to, first_line

TRAINING = "workflowType=machine_learning"  # without it MLflow 3 shows what it has for language models
LOCAL = "http://127.0.0.1:5000"  # where the command `ui` serves a store that has no server
VIEW = "mlflow.sharedViewState."  # tag of an experiment
VIEW_OF_ALL = "pipeline"
MOST_RUNS = 200  # the newest, whose parameters are compared
MOST_PARAMS = 6
SCORES = ("objective", "test_rmse", "test_r2", "test_log_loss", "test_accuracy")
PARAMS_FIRST = ("data.path", "model.name", "model.units", "fit.learning_rate", "seed")


def local_address(uri: str, page: Callable[[str], str], name: str) -> str | None:
    """What a browser opens where `ui` runs; None for a store with a server of its own, or one that does not answer.

    Args:
        uri: Of the store.
        page: One of the functions below.
        name: What it takes.
    """
    path = sqlite_path(uri)
    if path is None or not path.exists():  # connecting would make it
        return None
    with contextlib.suppress(TrackingError), connected_to(uri):  # a store that is away has been told of
        return f"{LOCAL}{page(name)}"
    return None


def page_of_run(run_id: str) -> str:
    """A run's own page.

    Raises:
        TrackingError: There is no such run, or the store does not answer.
    """
    try:
        found = run_of(mlflow.MlflowClient(), run_id).info
    except STORE_ERRORS as error:
        raise TrackingError(f"run {run_id}: {first_line(error)}; {program()} ui lists all runs") from None
    return f"/#/experiments/{found.experiment_id}/runs/{found.run_id}?{TRAINING}"


def page_of_sweep(sweep: str) -> str:
    """The trials of a sweep, best first.

    Args:
        sweep: Id of its parent run, the beginning of that, or its name.

    Raises:
        TrackingError: There is no such sweep, or the store does not answer.
    """
    parent = select_runs(sweep=sweep).parent
    assert parent is not None  # as of all that select_runs finds by the name of a sweep
    with _told_as_tracking_errors():
        where = mlflow.MlflowClient().get_run(parent.id).info.experiment_id
        of_sweep = f"tags.mlflow.parentRunId = '{parent.id}'"
        runs = _newest([where], of_sweep)
        compared = next((run.data.tags["objective"] for run in runs if "objective" in run.data.tags), "")
        order = {"orderByKey": "metrics.`objective`", "orderByAsc": direction(compared) != "maximize"}
        return _list(where, parent.id, runs, {"searchFilter": of_sweep} | order)


def page_of_experiment(name: str | None = None) -> str:
    """The runs of an experiment, of the one that was used last where none is named; of an empty store its experiments.

    Raises:
        TrackingError: There is no such experiment, or the store does not answer.
    """
    if name is not None:
        last_finished(name)  # which knows names that are near
    client = mlflow.MlflowClient()
    with _told_as_tracking_errors():
        every = [found.experiment_id for found in client.search_experiments() if name in (None, found.name)]
        newest = client.search_runs(every, "", ViewType.ACTIVE_ONLY, 1, [NEWEST_FIRST])
        where = newest[0].info.experiment_id if newest else every[0]
        if not newest and name is None:
            return f"/#/experiments?{TRAINING}"
        return _list(where, VIEW_OF_ALL, _newest([where], ""), {})


def _newest(where: list[str], query: str) -> list[MlflowRun]:
    found = mlflow.MlflowClient().search_runs(where, query, ViewType.ACTIVE_ONLY, MOST_RUNS, [NEWEST_FIRST])
    return [run for run in found if "sweep" not in run.data.tags]


def _list(experiment_id: str, view: str, runs: list[MlflowRun], state: dict[str, object]) -> str:
    """The runs of an experiment with columns for what they came to and what differs; keeps them under a view's name."""
    columns = [f"metrics.`{name}`" for name in SCORES if any(name in run.data.metrics for run in runs)]
    columns += [f"params.`{name}`" for name in _differing(runs)[:MOST_PARAMS]]
    kept = json.dumps({"selectedColumns": columns} | state)
    mlflow.MlflowClient().set_experiment_tag(experiment_id, f"{VIEW}{view}", kept)
    return f"/#/experiments/{experiment_id}/runs?viewStateShareKey={view}&{TRAINING}"


def _differing(runs: list[MlflowRun]) -> list[str]:
    """Parameters that not all runs have alike, those that tell most first."""
    names = dict.fromkeys(name for run in runs for name in run.data.params if not name.startswith("tracking."))
    first = sorted(names, key=lambda name: PARAMS_FIRST.index(name) if name in PARAMS_FIRST else len(PARAMS_FIRST))
    by_values: dict[tuple[str | None, ...], str] = {}  # of those that go together, such as all seeds, one is enough
    for name in first:
        by_values.setdefault(tuple(run.data.params.get(name) for run in runs), name)
    return [name for values, name in by_values.items() if len(set(values)) > 1]


@contextlib.contextmanager
def _told_as_tracking_errors() -> Iterator[None]:
    try:
        yield
    except STORE_ERRORS as error:
        raise as_tracking_error(mlflow.get_tracking_uri(), error) from None
