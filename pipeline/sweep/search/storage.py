"""Where a study is kept: a journal under mlruns/ by default, or any storage that Optuna knows."""

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

# Also an ImportError, of a database's driver that is not installed, and a RuntimeError, of another version's tables.
FAULTS = (OSError, ImportError, SQLAlchemyError, RuntimeError, optuna.exceptions.StorageInternalError)
TABLE_TRIES, TABLE_SECONDS = 5, 0.5  # within which the faster process has made a database's tables


def storage_of(address: str | None, study: str) -> str:
    """The address of a study's storage; of a journal its absolute path."""
    if address is None:
        return str(mlruns() / "studies" / f"{study}.journal")
    return address if "://" in address else str(Path(address).expanduser().absolute())


def opened(address: str) -> BaseStorage:
    """Opens a storage, once in each process.

    Raises:
        SweepError: It cannot be reached.
    """
    try:
        return _opened(address)
    except FAULTS as error:
        raise SweepError(
            f"search.storage: {without_password(address)} cannot be used: {first_line(error)}\n"
            "It is a path for a journal, or an Optuna storage such as mysql://user:password@host/name"
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
    """Opens a database, again where another process was making its tables at that moment, which ends Optuna's try."""
    for _ in range(TABLE_TRIES):
        try:
            return RDBStorage(address)
        except RuntimeError as error:  # whose advice is to update Optuna
            if not sqlalchemy.inspect(sqlalchemy.create_engine(address)).has_table("experiments"):
                raise
            raise SweepError(
                f"search.storage: {without_password(address)} has MLflow's tables, which a study's cannot lie beside; "
                "name a database of its own, for which `createdb optuna` makes one in PostgreSQL"
            ) from error
        except SQLAlchemyError as error:
            if not isinstance(error, IntegrityError) and "already exists" not in str(error):
                raise
            time.sleep(TABLE_SECONDS)
    return RDBStorage(address)


def without_password(address: str) -> str:
    """An address that may be shown."""
    try:
        return make_url(address).render_as_string(hide_password=True) if "://" in address else address
    except SQLAlchemyError:
        return address.rpartition("@")[2]


def first_line(error: Exception) -> str:
    """What an error says, without the statement and the links that SQLAlchemy adds."""
    return str(error.__cause__ or error).strip().partition("\n")[0] or type(error).__name__


class _Lock(BaseJournalFileLock):
    """A lock that the system takes back when its owner is killed: Optuna's own would make the others wait 30 s."""

    def __init__(self, path: str) -> None:
        self._path = Path(f"{path}.lock")
        self._held = contextlib.ExitStack()

    def acquire(self) -> bool:
        self._held.enter_context(locked(self._path))
        return True

    def release(self) -> None:
        self._held.close()


class _Journal(JournalFileBackend):
    """Optuna's journal, which a process that is killed while it writes, or a full disk, does not spoil."""

    def __init__(self, path: str, lock: _Lock) -> None:
        super().__init__(path, lock)
        self._path, self._own_lock = Path(path), lock

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Writes whole lines. A process that is killed loses nothing that the system has: so there is no fsync."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._own_lock.acquire()
        try:
            self._cut_torn_line()
            with self._path.open("ab", buffering=0) as journal:
                journal.write(lines.encode())
        finally:
            self._own_lock.release()

    def _cut_torn_line(self) -> None:
        """Removes what follows the last whole line, which nobody has read yet; the next one would be joined to it."""
        with self._path.open("rb+") as journal:
            end = journal.seek(0, os.SEEK_END)
            if end == 0:
                return
            journal.seek(-1, os.SEEK_END)
            if journal.read(1) == b"\n":
                return
            journal.seek(0)
            journal.truncate(journal.read().rfind(b"\n") + 1)
