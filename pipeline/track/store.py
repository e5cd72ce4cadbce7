"""The tracking store: connections, creation and errors."""

import contextlib
import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import mlflow
from alembic.util.exc import CommandError
from mlflow.exceptions import MlflowException
from requests import RequestException
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime.atomic_files import room
from pipeline.runtime.locks import locked
from pipeline.track.address import VARIABLE, sqlite_path, store_uri
from pipeline.track.moved_store import FOLDER, check_place

# MLflow prints the traceback of a database error before it raises the error, which this package reports itself.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

SQLITE_WAIT_SECONDS = 120  # for writes of other processes: each takes milliseconds, but those of a sweep can coincide
SENDER_WAIT_SECONDS = 5  # in other threads, which retry
# ImportError: a database's driver is not installed. CommandError of Alembic: the tables belong to another program.
# RequestException: of a server's artifacts, whose errors MLflow does not convert.
STORE_ERRORS = (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, CommandError, RequestException)

ANSWERS = {  # error codes of a store that answers and refuses; others mean that it does not answer
    "BAD_REQUEST", "ENDPOINT_NOT_FOUND", "INVALID_PARAMETER_VALUE", "INVALID_STATE", "NOT_FOUND", "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST", "UNAUTHENTICATED",
}  # fmt: skip

# Messages of a full disk, by SQLite or by the system while artifacts are copied.
FULL = ("database or disk is full", "disk I/O error", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


@event.listens_for(Engine, "connect")
def _suit_many_processes(connection: Any, record: object) -> None:
    """Sets options of a SQLite connection, which MLflow does not offer.

    With a write-ahead log, NORMAL can lose the last writes only in a power cut, which does not damage the database; it
    avoids waiting for the disk at each write (sqlite.org/pragma.html#pragma_synchronous).
    """
    if isinstance(connection, sqlite3.Connection):
        # Fails if the file is not a database; the first query then raises without MLflow's ten attempts to connect.
        with contextlib.suppress(sqlite3.DatabaseError):
            connection.execute(f"PRAGMA busy_timeout = {SQLITE_WAIT_SECONDS * 1000}")
            connection.execute("PRAGMA synchronous = NORMAL")


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def _wait_longer(
    connection: Any, cursor: object, statement: str, parameters: Any, context: object, executemany: bool
) -> tuple[str, Any]:
    """Replaces MLflow's timeout, which it sets again in every session."""
    if statement.startswith("PRAGMA busy_timeout"):
        is_main = threading.current_thread() is threading.main_thread()
        statement = f"PRAGMA busy_timeout = {(SQLITE_WAIT_SECONDS if is_main else SENDER_WAIT_SECONDS) * 1000}"
    return statement, parameters


@contextlib.contextmanager
def connected(config: Tracking) -> Iterator[str]:
    """Points MLflow at the store inside the block, and makes the store if it does not exist.

    Yields:
        The store's address.

    Raises:
        TrackingError: The store cannot be reached or written.
    """
    with connected_to(store_uri(config)) as uri:
        yield uri


@contextlib.contextmanager
def connected_to(uri: str) -> Iterator[str]:
    """Like `connected`, for an address.

    Raises:
        TrackingError: The store cannot be reached or written.
    """
    before = os.environ.get(VARIABLE)
    try:
        _create_once(uri)
        mlflow.set_tracking_uri(uri)  # sets the environment variable too
        yield uri
    finally:
        mlflow.set_tracking_uri(None)  # removes the variable
        if before is not None:
            os.environ[VARIABLE] = before


def existing(config: Tracking) -> contextlib.AbstractContextManager[str]:
    """Like `connected`, for reading: does not make a missing store.

    Raises:
        TrackingError: The store cannot be reached, or its file does not exist.
    """
    path = sqlite_path(store_uri(config))
    if path is not None and not path.exists():
        raise TrackingError(f"tracking.uri: the store {path} does not exist; the first run makes it, or name another")
    return connected(config)


def store_of(uri: str | None) -> contextlib.AbstractContextManager[str]:
    """Like `existing`, for commands without a config; None for the default address."""
    return existing(Tracking(uri=uri, experiment="-", run_name=None, tags={}))


def experiment_id(config: Tracking, uri: str) -> str:
    """Returns the id of an experiment; makes it if it is missing, with artifacts next to a SQLite store's file.

    Args:
        config: Name of the experiment.
        uri: Of the store.

    Raises:
        TrackingError: The store does not answer, or the experiment was deleted.
    """
    try:
        return experiment_of(mlflow.MlflowClient(), config.experiment, uri)
    except STORE_ERRORS as error:
        raise as_tracking_error(uri, error) from None


def experiment_of(client: mlflow.MlflowClient, name: str, uri: str) -> str:
    """Like `experiment_id`, but raises the store's own errors.

    Args:
        client: Of the store.
        name: Of the experiment.
        uri: Of the store.

    Raises:
        TrackingError: The experiment was deleted, or the store was moved.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        path = sqlite_path(uri)
        location = None if path is None else (path.parent / FOLDER).as_uri()
        try:
            return client.create_experiment(name, artifact_location=location)
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise  # not because another process was faster
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"tracking.experiment: {name} was deleted from {uri}; restore it (mlflow experiments restore) "
            "or choose another name"
        )
    check_place(name, found.artifact_location, uri)
    return found.experiment_id


def as_tracking_error(uri: str, error: Exception) -> TrackingError:
    """Converts an error of the store.

    Args:
        uri: Of the store.
        error: The error.
    """
    if isinstance(error, TrackingError):
        return error
    if isinstance(error, CommandError):
        return TrackingError(
            f"tracking.uri: {uri} has another program's tables, such as Optuna's ({first_line(error)}); "
            "name an empty database, or the one that has MLflow's"
        )
    what = "refuses" if is_answer(error) else "does not answer"
    return TrackingError(f"tracking.uri: {uri} {what}: {said(uri, error)}")


def is_answer(error: Exception) -> bool:
    """Whether an error is the store's own answer, a refusal."""
    return isinstance(error, MlflowException) and error.error_code in ANSWERS


def _create_once(uri: str) -> None:
    """Makes a SQLite store, in one process at a time, because simultaneous attempts crash.

    Only SQLite opens the file: closing it here would drop the locks that SQLite holds on it in this process, and writes
    of another process could then corrupt it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    path = sqlite_path(uri)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            if not path.exists() or path.stat().st_size == 0:
                mlflow.MlflowClient(uri).search_experiments(max_results=1)  # creates the tables
                with contextlib.closing(sqlite3.connect(path)) as database:
                    # Readers, such as the UI, then do not wait for the writer, nor it for them.
                    database.execute("PRAGMA journal_mode=WAL")
    except (OSError, *STORE_ERRORS) as error:
        raise TrackingError(f"tracking.uri: {uri} cannot be used: {said(uri, error)}") from None


def said(uri: str, error: Exception) -> str:
    """Returns an error of a store in a line; for a full disk with the file system.

    Args:
        uri: Of the store.
        error: The error.
    """
    path, text = sqlite_path(uri), first_line(error)
    is_full = path is not None and any(sign in str(error) for sign in FULL)
    return f"{text}; {room(path.parent)}, free some" if path is not None and is_full else text


def first_line(error: Exception) -> str:
    """Returns the first line of an error, without SQLAlchemy's advice to the author of the query."""
    lines = [line for line in str(error).strip().split("\n") if not line.startswith("(raised as a result of")]
    return lines[0] if lines else type(error).__name__
