"""Storage of a study: a journal under mlruns/ by default, or any storage that Optuna supports."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from pipeline.config import mlruns
from pipeline.errors import SweepError
from pipeline.runtime.locks import locked

# ImportError: the database's driver is not installed. RuntimeError: the tables are of another version.
FAULTS = (OSError, ImportError, SQLAlchemyError, RuntimeError, optuna.exceptions.StorageInternalError)
TABLE_TRIES, TABLE_SECONDS = 5, 0.5  # enough for another process to finish creating the tables


def storage_of(address: str | None, study: str) -> str:
    """Returns the address of a study's storage; for a journal its absolute path.

    Args:
        address: Value of `search.storage`.
        study: Name of the study.
    """
    if address is None:
        return str(mlruns() / "studies" / f"{study}.journal")
    return address if "://" in address else str(Path(address).expanduser().absolute())


def opened(address: str) -> BaseStorage:
    """Opens a storage, once in each process.

    Raises:
        SweepError: The storage cannot be used.
    """
    try:
        return _opened(address)
    except FAULTS as error:
        raise SweepError(
            f"search.storage: {without_password(address)} cannot be used: {first_line(error)}\n"
            "Give the path of a journal, or an Optuna storage such as mysql://user:password@host/name"
        ) from None


@functools.cache
def _opened(address: str) -> BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if "://" not in address:
        Path(address).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(_Journal(address, _Lock(address)))
    if address.startswith("redis"):
        from optuna.storages.journal import JournalRedisBackend

        return JournalStorage(JournalRedisBackend(address))
    return _database(address)


def _database(address: str) -> RDBStorage:
    """Opens a database; tries again if another process creates its tables at the same time."""
    for _ in range(TABLE_TRIES):
        try:
            return RDBStorage(address)
        except RuntimeError as error:  # its message advises to update Optuna
            if not sqlalchemy.inspect(sqlalchemy.create_engine(address)).has_table("experiments"):
                raise
            raise SweepError(
                f"search.storage: {without_password(address)} has MLflow's tables, and cannot hold a study's too; "
                "name another database, such as one that `createdb optuna` makes in PostgreSQL"
            ) from error
        except SQLAlchemyError as error:
            if not isinstance(error, IntegrityError) and "already exists" not in str(error):
                raise
            time.sleep(TABLE_SECONDS)
    return RDBStorage(address)


def without_password(address: str) -> str:
    """Returns an address without its password, for messages."""
    try:
        return make_url(address).render_as_string(hide_password=True) if "://" in address else address
    except SQLAlchemyError:
        return address.rpartition("@")[2]


def first_line(error: Exception) -> str:
    """Returns the first line of an error, without the statement and the links that SQLAlchemy adds."""
    return str(error.__cause__ or error).strip().partition("\n")[0] or type(error).__name__


class _Lock(BaseJournalFileLock):
    """A lock that the system releases when its process is killed; after Optuna's own, others would wait 30 s."""

    def __init__(self, path: str) -> None:
        self._path = Path(f"{path}.lock")
        self._held = contextlib.ExitStack()

    def acquire(self) -> bool:
        self._held.enter_context(locked(self._path))
        return True

    def release(self) -> None:
        self._held.close()


class _Journal(JournalFileBackend):
    """Optuna's journal, but not damaged by a process that is killed while writing, or by a full disk."""

    def __init__(self, path: str, lock: _Lock) -> None:
        super().__init__(path, lock)
        self._path, self._own_lock = Path(path), lock

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends whole lines, without fsync: a killed process does not lose what the system has buffered."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._own_lock.acquire()
        try:
            self._cut_torn_line()
            with self._path.open("ab", buffering=0) as journal:
                journal.write(lines.encode())
        finally:
            self._own_lock.release()

    def _cut_torn_line(self) -> None:
        """Removes an incomplete last line, which no process has read; the next line would be joined to it."""
        with self._path.open("rb+") as journal:
            end = journal.seek(0, os.SEEK_END)
            if end == 0:
                return
            journal.seek(-1, os.SEEK_END)
            if journal.read(1) == b"\n":
                return
            journal.seek(0)
            journal.truncate(journal.read().rfind(b"\n") + 1)
