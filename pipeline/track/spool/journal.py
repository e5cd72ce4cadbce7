"""A run's journal: the run writes here first, without waiting for the store."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import TrackingError
from pipeline.runtime.atomic_files import room
from pipeline.runtime.signals import held
from pipeline.track.spool.folders import JOURNAL, Spooled, line, made

log = logging.getLogger(__name__)

SYNC_SECONDS = 1.0  # between two flushes to disk


class Journal:
    """The journal of a run of this process. What cannot be written stays in memory, and is retried."""

    def __init__(self, header: Mapping[str, Any], again: tuple[Spooled, int] | None = None) -> None:
        """Starts a journal, or continues that of a run whose process has died.

        Args:
            header: First entry of a new journal.
            again: Folder and lock of an existing journal; None makes a new one.

        Raises:
            TrackingError: The folder cannot be written.
        """
        self._lock: int | None
        with full_disk_as_error(), held():
            self.folder, self._lock = again or made(header)
            self._logged = {} if again is None else _last_steps(self.folder)
            self._file = os.open(self.folder.path / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._unwritten = b""
        self._writing, self._ended = threading.Lock(), threading.Event()
        self._is_synced = self._is_warned = False
        self._syncer = threading.Thread(target=self._sync_from_time_to_time, name="journal", daemon=True)
        self._syncer.start()

    def append(self, kind: str, **content: Any) -> None:
        """Adds an entry."""
        with self._writing:
            self._unwritten += line({"kind": kind, **content})
            self._write()

    def log(self, values: Iterable[list[Any]]) -> None:
        """Adds metrics as name, value, time in ms and step; skips those that a resumed run has already logged."""
        new = [value for value in values if value[3] > self._logged.get(value[0], -1)]
        if new:
            self.append("metrics", values=new)

    def artifact(self, path: str) -> Path:
        """Returns where to write an artifact, a file or folder, before `add_artifact`."""
        found = self.folder.artifacts / path
        found.parent.mkdir(parents=True, exist_ok=True)
        return found

    def add_artifact(self, path: str) -> None:
        """Adds an artifact that has been written."""
        self.append("artifact", path=path, digest=digest(self.folder.artifacts / path))

    def close(self) -> None:
        """Closes the journal, flushed to disk.

        Raises:
            TrackingError: The journal cannot be written.
        """
        self._ended.set()
        self._syncer.join()
        with full_disk_as_error(), held():
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._file, self._unwritten) :]
            os.fdatasync(self._file)
            os.close(self._file)

    @property
    def has_entries(self) -> bool:
        """Whether it has more than the first entry, which names the run."""
        return len(list(itertools.islice(self.folder.entries(0), 2))) > 1

    @property
    def lock(self) -> int:
        """The open file that locks the folder; the worker gets it too, so that both lock it."""
        assert self._lock is not None
        return self._lock

    def release(self) -> None:
        """Unlocks the folder, if it is locked: another process may then send it."""
        with self._writing:
            lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _write(self) -> None:
        """Writes pending entries, as far as the disk has room."""
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._file, self._unwritten) :]
                self._is_synced = False
            self._is_warned = False
        except OSError as error:
            if not self._is_warned:
                self._is_warned = True
                log.warning("%s; training continues, and log entries are kept in memory", full(self.folder.path, error))

    def _sync_from_time_to_time(self) -> None:
        while not self._ended.wait(SYNC_SECONDS):
            with self._writing:
                self._write()
                is_synced, self._is_synced = self._is_synced, True
            if not is_synced:
                with contextlib.suppress(OSError):  # the next write reports it
                    os.fdatasync(self._file)


def _last_steps(folder: Spooled) -> dict[str, int]:
    """Returns the last step of each metric in a journal."""
    found: dict[str, int] = {}
    for entry, _ in folder.entries(0):
        for name, _, _, step in entry.get("values", []):
            found[name] = max(step, found.get(name, step))
    return found


@contextlib.contextmanager
def full_disk_as_error() -> Iterator[None]:
    """Converts errors of the disk into a message with the file system and its free space.

    Raises:
        TrackingError: The message.
    """
    from pipeline.track.spool.folders import root

    try:
        yield
    except OSError as error:
        raise TrackingError(full(root(), error)) from None
    except Exception as error:  # TensorFlow raises its own errors
        if "No space left" not in str(error):
            raise
        raise TrackingError(full(root(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))) from None


def full(path: Path, error: OSError) -> str:
    """Returns the message for a folder that cannot be written.

    Args:
        path: The folder.
        error: The error.
    """
    said = error.strerror or str(error)
    return f"{path}: {said}; {room(path)}, free some, or set PIPELINE_SPOOL to another folder"


def digest(path: Path) -> str:
    """Returns a digest of a file, or of all files in a folder with their names."""
    found = hashlib.sha256()
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    for one in files:
        found.update(f"{one.relative_to(path).as_posix()}\0".encode())
        with one.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


__all__ = ["Journal", "Spooled", "digest", "full", "full_disk_as_error"]
