"""Finds a model in the store: by run or by registered name."""

from __future__ import annotations

import atexit
import contextlib
import difflib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.entities.model_registry import ModelVersion

from pipeline.errors import ModelError, NoModelYetError, TrackingError
from pipeline.track.find_run import TRAINED, run_of
from pipeline.track.moved_store import as_path, find_beside, sqlite_path
from pipeline.track.spool.folders import of_run
from pipeline.track.store import STORE_ERRORS, store_of

ARTIFACT = "saved_model"  # of a run
NEAREST = 5  # that an error lists
MAX_RUNS = 1000  # that are looked through for near ones
VERSION = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>[^/@]+)|@(?P<alias>[^/@]+))?")


@dataclass(frozen=True)
class StoredModel:
    """A model as the store knows it."""

    folder: Path  # on this machine; a remote store's is fetched for as long as the process lives
    run_id: str | None
    name: str  # registered, or that of the run's experiment
    version: str | None  # registered


def find_stored(reference: str, tracking_uri: str | None) -> StoredModel:
    """Finds a model by `runs:/...`, run id, `models:/name@alias` or `models:/name/version`.

    Args:
        reference: One of these.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        ModelError: There is none; with the nearest that there are, or why a run has no model.
        TrackingError: The store cannot be used.
    """
    run_id, _, path = reference.removeprefix("runs:/").partition("/")
    waiting = of_run(run_id)
    if waiting is not None and (waiting.artifacts / (path or ARTIFACT)).exists():
        return StoredModel(waiting.artifacts / (path or ARTIFACT), run_id, str(waiting.header["experiment"]), None)
    if waiting is not None and (waiting.artifacts / TRAINED).exists():
        raise ModelError(
            f"run {run_id} has no model yet, and is on its way to its store: `python -m pipeline sync` brings it "
            "there; after that the same command makes one"
        )
    with _store_for(reference, tracking_uri):
        try:
            if reference.startswith("models:/"):
                return _registered(reference)
            return _of_run(_run(run_id, reference), path or ARTIFACT)
        except STORE_ERRORS as error:
            raise ModelError(f"{reference}: the store does not give it: {str(error).splitlines()[0]}") from None


def stands_for(reference: str, tracking_uri: str | None) -> str:
    """The version that an alias, or `latest`, has now; any other reference stands for itself.

    Raises:
        ModelError: The name stands for nothing any more, or the store does not answer.
        TrackingError: The store cannot be used.
    """
    parsed = VERSION.fullmatch(reference)
    if parsed is None or not (parsed["alias"] or parsed["version"] == "latest"):
        return reference
    with _store_for(reference, tracking_uri):
        try:
            return str(registered_version(reference, parsed["name"], parsed["version"], parsed["alias"]).version)
        except STORE_ERRORS as error:
            raise ModelError(f"{reference}: the store does not answer: {str(error).splitlines()[0]}") from None


@contextlib.contextmanager
def _store_for(reference: str, tracking_uri: str | None) -> Iterator[None]:
    """The store, whose errors say what was looked for in it."""
    try:
        with store_of(tracking_uri):
            yield
    except TrackingError as error:
        raise TrackingError(f"{reference}: {error}") from None


def _of_run(run: MlflowRun, path: str) -> StoredModel:
    client, run_id = mlflow.MlflowClient(), run.info.run_id
    experiment = client.get_experiment(run.info.experiment_id).name
    top = path.partition("/")[0]
    artifacts = {entry.path for entry in client.list_artifacts(run_id)}
    if top in artifacts:
        return StoredModel(_fetched(f"{run.info.artifact_uri}/{path}"), run_id, experiment, None)
    for output in run.outputs.model_outputs if run.outputs else []:  # where MLflow 3 keeps what log_model was given
        logged = client.get_logged_model(output.model_id)
        if logged.name == path:
            return StoredModel(_fetched(logged.artifact_location), run_id, experiment, None)
    if TRAINED in artifacts and path in (ARTIFACT, "model"):
        raise NoModelYetError(
            run_id,
            f"run {run_id} ({run.info.run_name}) has no model yet, as sweep.keep says; "
            f"`python -m pipeline export {run_id}` makes one of what it has kept",
        )
    raise ModelError(f"run {run_id} ({run.info.run_name}) has no model: {_why_no_model(run, path)}")


def _why_no_model(run: MlflowRun, path: str) -> str:
    tags = run.data.tags
    if best := tags.get("best_run_id"):
        return f"it is a sweep; its best run is {best}"
    if "fold" in tags:
        return f"it is a fold of a network that was tuned; the model is that of run {tags['mlflow.parentRunId']}"
    if run.info.status == "RUNNING":
        return "it is still running, or was ended from outside; the model is logged at the end"
    if run.info.status != "FINISHED":
        return f"it ended as {run.info.status}" + (f" ({tags['error']})" if "error" in tags else "")
    return f"it finished without an artifact {path!r}; it was logged by something else, or the artifact was deleted"


def _run(run_id: str, reference: str) -> MlflowRun:
    client = mlflow.MlflowClient()
    try:
        return run_of(client, run_id)
    except STORE_ERRORS:
        pass
    experiments = {entry.experiment_id: entry.name for entry in client.search_experiments()}
    runs = client.search_runs(list(experiments), max_results=MAX_RUNS) if experiments else []
    shown = {
        run.info.run_id: f"{run.info.run_id} ({run.info.run_name}, {experiments[run.info.experiment_id]})"
        for run in runs
    }
    by_name = {run.info.run_name: run.info.run_id for run in runs}
    near = [found for found in shown if run_id and found.startswith(run_id)]
    near += [by_name[name] for name in difflib.get_close_matches(run_id, by_name, NEAREST)]
    near += difflib.get_close_matches(run_id, shown, NEAREST)
    near = list(dict.fromkeys(near or shown))[:NEAREST]
    there = "; ".join(shown[found] for found in near) or "the store has no runs"
    forms = "a run id, runs:/ID, models:/NAME@ALIAS, models:/NAME/VERSION, best:EXPERIMENT or a folder"
    raise ModelError(f"{reference}: there is no such folder or run; the nearest runs: {there}. A model is {forms}")


def _registered(reference: str) -> StoredModel:
    parsed = VERSION.fullmatch(reference)
    if parsed is None:
        raise ModelError(f"{reference}: must be models:/NAME@ALIAS or models:/NAME/VERSION")
    client, name = mlflow.MlflowClient(), parsed["name"]
    if parsed["version"] is None and parsed["alias"] is None and name.startswith("m-"):
        logged = client.get_logged_model(name)  # MLflow's own id of a logged model
        return StoredModel(_fetched(logged.artifact_location), logged.source_run_id, logged.name, None)
    version = registered_version(reference, name, parsed["version"], parsed["alias"])
    source = version.source
    if source.startswith("models:/m-"):
        source = client.get_logged_model(source.removeprefix("models:/")).artifact_location
    elif source.startswith("runs:/"):
        run_id, _, path = source.removeprefix("runs:/").partition("/")
        source = f"{client.get_run(run_id).info.artifact_uri}/{path}"
    return StoredModel(_fetched(source), version.run_id or None, name, str(version.version))


def registered_version(reference: str, name: str, number: str | None, alias: str | None) -> ModelVersion:
    """The version of a registered model, by number, `latest` or alias.

    Raises:
        ModelError: There is none; with the nearest that there are.
    """
    client = mlflow.MlflowClient()
    names = [model.name for model in client.search_registered_models(max_results=MAX_RUNS)]
    if name not in names:
        there = _nearest(name, names) or "none is registered"
        raise ModelError(f"{reference}: there is no registered model {name!r}; the nearest: {there}")
    versions = {str(entry.version): entry for entry in client.search_model_versions(f"name='{name}'")}
    aliases = {key: str(value) for key, value in client.get_registered_model(name).aliases.items()}
    wanted = aliases.get(alias) if alias else number
    if number == "latest" and versions:
        wanted = max(versions, key=int)
    if wanted in versions:
        return versions[wanted]
    lacks = (
        f"has no alias {alias!r}" if alias else f"has no version {number!r}" if number else "needs @ALIAS or /VERSION"
    )
    known = _nearest(alias or "", [f"{key} (version {value})" for key, value in aliases.items()]) or "none"
    raise ModelError(
        f"{reference}: model {name!r} {lacks}; aliases: {known}; "
        f"versions: {', '.join(sorted(versions, key=int)) or 'none'}"
    )


def _nearest(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, NEAREST, cutoff=0.3) or known[:NEAREST]
    return ", ".join(near)


def _fetched(uri: str) -> Path:
    """The folder itself where it lies on this machine, else a copy that goes with the process."""
    if urlparse(uri).scheme in ("", "file"):
        path, store = as_path(uri), sqlite_path(mlflow.get_tracking_uri())
        return (find_beside(path, store) if store is not None else None) or path
    folder = tempfile.mkdtemp(prefix="pipeline-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
