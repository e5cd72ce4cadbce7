"""Reads many runs at once, for comparisons."""

import contextlib
import difflib
import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime.program import program
from pipeline.runtime.signals import held
from pipeline.track import metric_names
from pipeline.track.address import local_path
from pipeline.track.pages import MAX_NOTE_LENGTH, NOTE
from pipeline.track.store import STORE_ERRORS, connected, experiment_id
from pipeline.track.tracked_run import TrackedRun, one_per_job, tracked

PAGE = 1000  # runs per request
MAX_NAMED = 5  # number of names that an error lists
IS_SWEEP = "tags.sweep LIKE '%'"  # filter for parent runs, which alone have the tag
# Tags of runs that do not compete: parents of sweeps, and networks of `tune`, which are part of its ensemble.
NOT_COMPARED = {"sweep", "tuned_number"}
FINISHED = "attributes.status = 'FINISHED'"
NEWEST_FIRST = "attributes.start_time DESC"
QUERY_EXAMPLE = """'metrics.objective < 60 and params.`model.units` = "[64, 64]"'"""  # quoted for a shell

Curve = list[tuple[int, float]]  # epoch and value, in the order of epochs


@dataclass(frozen=True)
class Selected:
    """Runs to compare, one for each job of a sweep, without parent runs of sweeps and without networks of `tune`."""

    title: str
    runs: list[TrackedRun]
    parent: TrackedRun | None = None  # if the runs are all those of a sweep


def select_runs(experiment: str | None = None, sweep: str | None = None, query: str | None = None) -> Selected:
    """Selects runs in the current store that match all given arguments; without arguments, those of the latest sweep.

    Args:
        experiment: Name of the experiment.
        sweep: Id of the parent run, the beginning of that id, or its name (the latest one of that name).
        query: A filter in MLflow's language.

    Raises:
        TrackingError: An unknown name, an invalid filter, or the store does not answer.
    """
    with _errors_of_store():
        where = _experiments(experiment)
        is_a_sweep = sweep is not None or (experiment is None and query is None)
        parent = _parent(where, sweep) if is_a_sweep else None
        found = _matching(where, parent, query)
    runs = one_per_job(tracked(run) for run in found if not run.data.tags.keys() & NOT_COMPARED)
    return Selected(_title(experiment, parent, query), runs, parent if query is None else None)


def sweeps(tracking: Tracking) -> list[TrackedRun]:
    """Returns the parent runs of the sweeps in an experiment, newest first."""
    with connected(tracking) as uri:
        return [tracked(run) for run in search([experiment_id(tracking, uri)], IS_SWEEP, NEWEST_FIRST)]


def last_finished(experiment: str) -> str:
    """Returns id and end of the run of an experiment that finished last; empty if no run has finished. It is fast.

    Raises:
        TrackingError: No such experiment, or the store does not answer.
    """
    order = ["attributes.end_time DESC"]
    with _errors_of_store():
        where = _experiments(experiment)
        found = mlflow.MlflowClient().search_runs(where, FINISHED, ViewType.ACTIVE_ONLY, 1, order)
    return " ".join(f"{run.info.run_id} {run.info.end_time}" for run in found)


def curves(run_ids: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Returns the values per epoch of some runs, by run and metric; takes a request for each.

    Args:
        run_ids: Ids of the runs.
        names: Plain names of metrics.

    Raises:
        TrackingError: The store does not answer.
    """
    client = mlflow.MlflowClient()
    with _errors_of_store():
        return {
            run_id: {
                name: [(entry.step, entry.value) for entry in metric_names.history(client, run_id, name)]
                for name in names
            }
            for run_id in run_ids
        }


@held()
def log_texts(run_id: str, texts: dict[str, str]) -> dict[str, str]:
    """Writes text files as artifacts of a run.

    Args:
        run_id: Of the run.
        texts: By path of the artifact.

    Returns:
        The path or address of each.

    Raises:
        TrackingError: The store does not answer.
    """
    client = mlflow.MlflowClient()
    with _errors_of_store():
        root = client.get_run(run_id).info.artifact_uri
        for name, text in texts.items():
            client.log_text(run_id, text, name)
    return {name: local_path(f"{root}/{PurePosixPath(name)}") for name in texts}


@held()
def describe(run_id: str, text: str) -> None:
    """Sets the description of a run's page.

    Args:
        run_id: Of the run.
        text: In Markdown.

    Raises:
        TrackingError: The store does not answer.
    """
    with _errors_of_store():
        mlflow.MlflowClient().set_tag(run_id, NOTE, text[:MAX_NOTE_LENGTH])


def search(where: Sequence[str], query: str, order: str = "attributes.start_time ASC") -> list[MlflowRun]:
    """Returns all runs of some experiments that match a filter.

    Args:
        where: Ids of the experiments.
        query: The filter, in MLflow's language.
        order: Sort order, in MLflow's language.
    """
    client, found, token = mlflow.MlflowClient(), list[MlflowRun](), None
    with _without_garbage_collection():
        while True:
            page = client.search_runs(list(where), query, ViewType.ACTIVE_ONLY, PAGE, [order], token)
            found += page
            token = page.token
            if not token:
                return found


def _experiments(name: str | None) -> list[str]:
    """Returns the id of the experiment of that name, or of all experiments."""
    ids = {found.name: found.experiment_id for found in mlflow.MlflowClient().search_experiments()}
    if name is None:
        return list(ids.values())
    if name not in ids:
        raise TrackingError(f"unknown experiment {name!r}; {_nearest(name, list(ids))}")
    return [ids[name]]


def _matching(where: list[str], parent: TrackedRun | None, query: str | None) -> list[MlflowRun]:
    """Returns the runs of a parent, or all, that match a user's filter, if any."""
    below = f"tags.mlflow.parentRunId = '{parent.id}'" if parent else None
    found = dict[str, MlflowRun]()
    try:
        for one in [None] if query is None else metric_names.filters(query):
            found |= {run.info.run_id: run for run in search(where, " and ".join(filter(None, [below, one])))}
    except MlflowException as error:
        if query is None:
            raise
        raise TrackingError(
            f"--query: MLflow cannot read {query!r}: {error.message}; write it as in {QUERY_EXAMPLE}"
        ) from None
    return list(found.values())


def _title(experiment: str | None, parent: TrackedRun | None, query: str | None) -> str:
    place = f"sweep {parent.name}" if parent else f"experiment {experiment}" if experiment else "all runs"
    return f"{place} where {query}" if query else place


def _parent(where: list[str], sweep: str | None) -> TrackedRun:
    """Returns the sweep of that name or id, or the latest one."""
    parents = [tracked(run) for run in search(where, IS_SWEEP, NEWEST_FIRST)]
    if not parents:
        raise TrackingError(
            f"the store has no sweeps yet; run one ({program()} sweep seed=0,1,2), or give --experiment"
        )
    if sweep is None:
        return parents[0]
    named = [run for run in parents if sweep in (run.name, run.id) or (len(sweep) >= 6 and run.id.startswith(sweep))]
    if not named:
        raise TrackingError(f"--sweep: unknown sweep {sweep!r}; {_nearest(sweep, [run.name for run in parents])}")
    return named[0]


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disables garbage collection: it would scan the 140 000 permanent objects of 1000 runs again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _nearest(given: str, names: list[str]) -> str:
    known = list(dict.fromkeys(names))
    near = difflib.get_close_matches(given, known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    more = ", ..." if len(known) > MAX_NAMED else ""
    return f"known: {', '.join(known[:MAX_NAMED])}{more}"


@contextlib.contextmanager
def _errors_of_store() -> Iterator[None]:
    try:
        yield
    except STORE_ERRORS as error:
        line = str(error).strip().split("\n", 1)[0]
        raise TrackingError(f"tracking.uri: {mlflow.get_tracking_uri()} does not answer: {line}") from None
