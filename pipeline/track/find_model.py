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
from pipeline.runtime.program import program
from pipeline.track.address import as_path, sqlite_path
from pipeline.track.find_run import run_of
from pipeline.track.moved_store import find_beside
from pipeline.track.spool.folders import TRAINED, of_run
from pipeline.track.store import STORE_ERRORS, first_line, store_of

ARTIFACT = "saved_model"  # of a run
NEAREST = 5  # number of suggestions in an error
MAX_RUNS = 1000  # number of runs that are searched for suggestions
VERSION = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>[^/@]+)|@(?P<alias>[^/@]+))?")


@dataclass(frozen=True)
class StoredModel:
    """A model in the store."""

    folder: Path  # on this machine; downloaded from a remote store until the process ends
    run_id: str | None
    name: str  # of the registered model, or of the run's experiment
    version: str | None  # registered


def find_stored(reference: str, tracking_uri: str | None) -> StoredModel:
    """Finds a model by `runs:/...`, run id, `models:/name@alias` or `models:/name/version`.

    Args:
        reference: One of these.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        ModelError: No such model, with the nearest names, or why a run has no model.
        TrackingError: The store cannot be used.
    """
    run_id, _, path = reference.removeprefix("runs:/").partition("/")
    waiting = of_run(run_id)
    if waiting is not None and (waiting.artifacts / (path or ARTIFACT)).exists():
        return StoredModel(waiting.artifacts / (path or ARTIFACT), run_id, str(waiting.header["experiment"]), None)
    if waiting is not None and (waiting.artifacts / TRAINED).exists():
        raise ModelError(
            f"run {run_id} has no model yet, and is not in its store yet: send it with `{program()} sync`, then "
            "repeat this command, which exports the model"
        )
    with _store_for(reference, tracking_uri):
        try:
            if reference.startswith("models:/"):
                return _registered(reference)
            return _of_run(_run(run_id, reference), path or ARTIFACT)
        except (OSError, *STORE_ERRORS) as error:
            raise ModelError(f"{reference}: cannot be fetched from the store: {first_line(error)}") from None


def stands_for(reference: str, tracking_uri: str | None) -> str:
    """Returns the current version of an alias or of `latest`; returns any other reference unchanged.

    Args:
        reference: Such as `models:/name@alias`.
        tracking_uri: Of the store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        ModelError: The model or alias does not exist any more, or the store does not answer.
        TrackingError: The store cannot be used.
    """
    parsed = VERSION.fullmatch(reference)
    if parsed is None or not (parsed["alias"] or parsed["version"] == "latest"):
        return reference
    with _store_for(reference, tracking_uri):
        try:
            return str(registered_version(reference, parsed["name"], parsed["version"], parsed["alias"]).version)
        except (OSError, *STORE_ERRORS) as error:
            raise ModelError(f"{reference}: the store does not answer: {first_line(error)}") from None


@contextlib.contextmanager
def _store_for(reference: str, tracking_uri: str | None) -> Iterator[None]:
    """Connects to the store, and adds the reference to its errors."""
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
    for output in run.outputs.model_outputs if run.outputs else []:  # where MLflow 3 lists models of log_model
        logged = client.get_logged_model(output.model_id)
        if logged.name == path:
            return StoredModel(_fetched(logged.artifact_location), run_id, experiment, None)
    if TRAINED in artifacts and path in (ARTIFACT, "model"):
        raise NoModelYetError(
            run_id,
            f"run {run_id} ({run.info.run_name}) has no model yet (sweep.keep); "
            f"`{program()} export {run_id}` makes one from its kept weights",
        )
    raise ModelError(f"run {run_id} ({run.info.run_name}) has no model: {_why_no_model(run, path)}")


def _why_no_model(run: MlflowRun, path: str) -> str:
    tags = run.data.tags
    if best := tags.get("best_run_id"):
        return f"it is a sweep; its best run is {best}"
    if {"fold", "tuned_number", "mlflow.parentRunId"} <= tags.keys():  # in earlier versions users could set `fold`
        return f"it is a fold of `tune`; the model is in run {tags['mlflow.parentRunId']}"
    if run.info.status == "RUNNING":
        return "it is still running or was killed; the model is logged at the end"
    if run.info.status != "FINISHED":
        return f"it ended as {run.info.status}" + (f" ({tags['error']})" if "error" in tags else "")
    return f"it finished without an artifact {path!r}: another program logged it, or the artifact was deleted"


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
    raise ModelError(f"{reference}: no such folder or run; the nearest runs: {there}. A model is {forms}")


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
    """Returns a version of a registered model.

    Args:
        reference: For messages.
        name: Of the registered model.
        number: Of the version, or `latest`.
        alias: Used instead of the number if given.

    Raises:
        ModelError: No such model or version, with the nearest names.
    """
    client = mlflow.MlflowClient()
    names = [model.name for model in client.search_registered_models(max_results=MAX_RUNS)]
    if name not in names:
        there = _nearest(name, names) or "the registry is empty"
        raise ModelError(f"{reference}: unknown registered model {name!r}; the nearest: {there}")
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
    """Returns a local folder itself, else a copy that is deleted when the process ends."""
    if urlparse(uri).scheme in ("", "file"):
        path, store = as_path(uri), sqlite_path(mlflow.get_tracking_uri())
        return (find_beside(path, store) if store is not None else None) or path
    folder = tempfile.mkdtemp(prefix="pipeline-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # a server that follows an alias tries again
        raise
