"""Where runs are kept: SQLite under mlruns/ by default, or a store that the config or the environment names."""

import contextlib
import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import mlflow
from alembic.util.exc import CommandError
from mlflow.exceptions import MlflowException
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from pipeline.config import mlruns
from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime.atomic_files import room
from pipeline.runtime.locks import locked
from pipeline.track.moved_store import FOLDER, check_place, sqlite_path

# MLflow prints the traceback of a database's error before it raises that error, which we tell in our own words.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

VARIABLE = "MLFLOW_TRACKING_URI"
SQLITE_WAIT_SECONDS = 120  # for another process's write: each takes milliseconds, but a sweep's may all come at once
SENDER_WAIT_SECONDS = 5  # of other threads, which try again by themselves
# Also an ImportError: of the driver of a database that is not installed; and Alembic's of another program's tables.
STORE_ERRORS = (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, CommandError)

# How SQLite, and the system where artifacts are copied, say that a disk is full.
FULL = ("database or disk is full", "disk I/O error", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


@event.listens_for(Engine, "connect")
def _suit_many_processes(connection: Any, record: object) -> None:
    """Sets what SQLite forgets from one connection to the next, and MLflow gives no way to say.

    With a write-ahead log NORMAL loses nothing but to a power cut, and the database stays whole then too; it saves the
    wait for the disk at each write (sqlite.org/pragma.html#pragma_synchronous).
    """
    if isinstance(connection, sqlite3.Connection):
        # A file that is no database fails here; the first query says so without MLflow's ten attempts to connect.
        with contextlib.suppress(sqlite3.DatabaseError):
            connection.execute(f"PRAGMA busy_timeout = {SQLITE_WAIT_SECONDS * 1000}")
            connection.execute("PRAGMA synchronous = NORMAL")


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def _wait_longer(
    connection: Any, cursor: object, statement: str, parameters: Any, context: object, executemany: bool
) -> tuple[str, Any]:
    """Puts our wait in the place of MLflow's, which it sets anew in every session."""
    if statement.startswith("PRAGMA busy_timeout"):
        is_main = threading.current_thread() is threading.main_thread()
        statement = f"PRAGMA busy_timeout = {(SQLITE_WAIT_SECONDS if is_main else SENDER_WAIT_SECONDS) * 1000}"
    return statement, parameters


def store_uri(config: Tracking) -> str:
    """The store's address: the config key, else the environment variable, else SQLite under mlruns/.

    Raises:
        TrackingError: A folder was named, in which MLflow 3 keeps no runs.
    """
    uri = config.uri or os.environ.get(VARIABLE) or f"sqlite:///{mlruns() / 'mlflow.db'}"
    if uri.startswith("file:") or "://" not in uri:
        raise TrackingError(
            f"tracking.uri: {uri} is a folder, in which MLflow keeps no runs any more; "
            "use sqlite:///path/to/mlflow.db or the address of a server"
        )
    path = sqlite_path(uri)
    return uri if path is None else f"sqlite:///{path}"


@contextlib.contextmanager
def connected(config: Tracking) -> Iterator[str]:
    """Points MLflow at the store for a while, and makes the store if it is not there yet.

    Yields:
        The store's address.

    Raises:
        TrackingError: The store cannot be reached or written.
    """
    with connected_to(store_uri(config)) as uri:
        yield uri


@contextlib.contextmanager
def connected_to(uri: str) -> Iterator[str]:
    """`connected` by an address.

    Raises:
        TrackingError: The store cannot be reached or written.
    """
    before = os.environ.get(VARIABLE)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a second, not four minutes, until we say it is down
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")  # seconds
    try:
        _create_once(uri)
        mlflow.set_tracking_uri(uri)  # which sets the environment variable as well
        yield uri
    finally:
        mlflow.set_tracking_uri(None)  # which removes the variable
        if before is not None:
            os.environ[VARIABLE] = before


def existing(config: Tracking) -> contextlib.AbstractContextManager[str]:
    """`connected` for what only reads.

    Raises:
        TrackingError: The store cannot be reached, or is a file that is not there, which reading must not make.
    """
    path = sqlite_path(store_uri(config))
    if path is not None and not path.exists():
        raise TrackingError(f"tracking.uri: there is no store {path}; the first run makes it, or name another")
    return connected(config)


def store_of(uri: str | None) -> contextlib.AbstractContextManager[str]:
    """`existing` for commands that start from a finished run and have no config: of an address, or the default."""
    return existing(Tracking(uri=uri, experiment="-", run_name=None, tags={}))


def experiment_id(config: Tracking, uri: str) -> str:
    """The experiment of that name, made if need be, its artifacts beside a SQLite store's file.

    Raises:
        TrackingError: The store does not answer, or the experiment was deleted.
    """
    try:
        return experiment_of(mlflow.MlflowClient(), config.experiment, uri)
    except STORE_ERRORS as error:
        raise as_tracking_error(uri, error) from None


def experiment_of(client: mlflow.MlflowClient, name: str, uri: str) -> str:
    """As `experiment_id`, but errors of the store are as they are."""
    found = client.get_experiment_by_name(name)
    if found is None:
        path = sqlite_path(uri)
        location = None if path is None else (path.parent / FOLDER).as_uri()
        try:
            return client.create_experiment(name, artifact_location=location)
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise  # rather than that another process was faster
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"tracking.experiment: {name} was deleted from {uri}; restore it (mlflow experiments restore) "
            "or choose another name"
        )
    check_place(name, found.artifact_location, uri)
    return found.experiment_id


def as_tracking_error(uri: str, error: Exception) -> TrackingError:
    """What to tell of an error of the store."""
    if isinstance(error, TrackingError):
        return error
    if isinstance(error, CommandError):
        return TrackingError(
            f"tracking.uri: {uri} has another program's tables, such as Optuna's ({first_line(error)}); "
            "name an empty database, or the one that has MLflow's"
        )
    return TrackingError(f"tracking.uri: {uri} does not answer: {said(uri, error)}")


def local_path(uri: str) -> str:
    """A file URI as a path; another store's address as it is."""
    return url2pathname(urlparse(uri).path) if uri.startswith("file:") else uri


def config_of_run(run_id: str, folder: Path) -> Path:
    """Fetches the composed config that a run logged.

    Raises:
        TrackingError: There is no such run, or it has no config.
    """
    try:
        return Path(
            mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="config.yaml", dst_path=str(folder))
        )
    except (OSError, *STORE_ERRORS) as error:
        raise TrackingError(f"run {run_id}: its config.yaml cannot be fetched: {first_line(error)}") from None


def tag_of(run_id: str, name: str) -> str | None:
    """What a tag of a run says; None where it has no such tag.

    Raises:
        TrackingError: There is no such run.
    """
    try:
        found: str | None = mlflow.get_run(run_id).data.tags.get(name)
    except STORE_ERRORS as error:
        raise TrackingError(f"run {run_id}: {first_line(error)}") from None
    return found


def _create_once(uri: str) -> None:
    """Makes a SQLite store, one process at a time: of two that do so at once, all but one would crash.

    The file itself is never opened here but by SQLite: closing it would drop the locks that SQLite holds on it in
    this process, and another process's writes could then corrupt it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    path = sqlite_path(uri)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            if not path.exists() or path.stat().st_size == 0:
                mlflow.MlflowClient(uri).search_experiments(max_results=1)  # lays the tables
                with contextlib.closing(sqlite3.connect(path)) as database:
                    # Readers, such as the UI, and one writer at a time without waiting for each other.
                    database.execute("PRAGMA journal_mode=WAL")
    except (OSError, *STORE_ERRORS) as error:
        raise TrackingError(f"tracking.uri: {uri} cannot be used: {said(uri, error)}") from None


def said(uri: str, error: Exception) -> str:
    """What an error of a store says in a line, and of one whose disk is full which file system that is."""
    path, text = sqlite_path(uri), first_line(error)
    is_full = path is not None and any(sign in str(error) for sign in FULL)
    return f"{text}; {room(path.parent)}, free some" if path is not None and is_full else text


def first_line(error: Exception) -> str:
    """What an error says in a line; SQLAlchemy begins some with advice to whoever wrote the query."""
    lines = [line for line in str(error).strip().split("\n") if not line.startswith("(raised as a result of")]
    return lines[0] if lines else type(error).__name__
