"""Folders of the spool, one for each run that the store has not completely received."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import mlruns
from pipeline.runtime import process
from pipeline.runtime.atomic_files import prefix, whole_file

VARIABLE = "PIPELINE_SPOOL"  # environment variable for another folder, for example on a local disk
JOURNAL, SENT, LOCK = "journal.jsonl", "sent.json", "lock"
ENDING_SECONDS = 5.0  # to wait for the worker of a dead process, which ends when it gets CPU time
LOOK_SECONDS = 0.02
MAX_NAME_LENGTH = 300  # of a process
MAX_SENT_BYTES = 1 << 16
ARTIFACTS, MODEL, FIGURES = "artifacts", "model", "figures.pickle"
TRAINED = "trained"  # artifact folder of a run with what a later export needs

Entry = dict[str, Any]


def root() -> Path:
    """Returns the folder of the spool."""
    return Path(os.environ.get(VARIABLE) or mlruns() / "spool").absolute()


@dataclass(frozen=True)
class Spooled:
    """A run's folder: journal, artifacts, and how much of them has been sent.

    Attributes:
        path: The folder; its name is the run's provisional id, which stays valid after sending.
    """

    path: Path

    @property
    def id(self) -> str:
        """The run's provisional id."""
        return self.path.name

    @property
    def artifacts(self) -> Path:
        """Folder of the artifacts, laid out as in the store."""
        return self.path / ARTIFACTS

    @property
    def header(self) -> Entry:
        """The first entry: store, experiment, name, parent, tags and start of the run."""
        for entry, _ in self.entries(0):
            return entry
        raise FileNotFoundError(self.path)  # it has been sent meanwhile

    def entries(self, offset: int) -> Iterator[tuple[Entry, int]]:
        """Yields complete entries from a byte offset, each with the offset of the next."""
        try:
            file = (self.path / JOURNAL).open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield json.loads(line), offset

    @property
    def sent(self) -> dict[str, Any]:
        """What has been sent: ids of run and parent in the store, `artifact_uri`, `offset` in the journal."""
        try:
            known = _last_record((self.path / SENT).read_bytes())
        except FileNotFoundError:
            known = {}
        nothing: dict[str, Any] = {"run_id": None, "parent": None, "artifact_uri": None, "logged": {}}
        return {**nothing, "offset": 0, "is_complete": False, **known}

    def keep_sent(self, sent: Mapping[str, Any]) -> None:
        """Records what has been sent. If that fails, entries are sent twice, which is harmless.

        Appends it: replacing the file would take most of the time of sending a small entry.
        """
        record = b"\n" + json.dumps(sent).encode("ascii")  # on a line of its own, whatever a full disk has cut off
        with contextlib.suppress(OSError):
            with (self.path / SENT).open("ab") as file:
                file.write(record)
                size = file.tell()
            if size > MAX_SENT_BYTES:
                with whole_file(self.path / SENT) as file:
                    file.write_bytes(record)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[bool]:
        """Locks the run; yields False if its own process, or another that sends it, is alive."""
        try:
            file = (self.path / LOCK).open("r+")
        except FileNotFoundError:  # the run has been sent meanwhile
            yield False
            return
        with file:
            try:
                _hold(file.fileno())
            except BlockingIOError:
                yield False
                return
            yield (self.path / JOURNAL).exists()

    def remove(self) -> None:
        """Deletes a run that has been sent; other processes see all of it or nothing."""
        gone = self.path.with_name(f"{prefix()}{self.id}")
        with contextlib.suppress(OSError):
            self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _last_record(text: bytes) -> dict[str, Any]:
    """Returns the last complete record of `keep_sent`; nothing if there is none."""
    for record in reversed(text.splitlines()):
        with contextlib.suppress(ValueError):
            found: dict[str, Any] = json.loads(record)
            return found
    return {}


def taken_over(run_id: str, parent: str | None) -> tuple[Spooled, int] | None:
    """Locks the folder of a run whose process has died, and drops an incomplete entry.

    Args:
        run_id: Id or provisional id of the run.
        parent: Id of the sweep that the run must belong to.

    Returns:
        The folder and its lock, held until closed; None if the run is not in the spool or its process is alive.
    """
    folder = of_run(run_id)
    if folder is None or parent not in parents(folder):
        return None
    lock = os.open(folder.path / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        _hold(lock)
        _name_holder(lock)
        *_, (_, end) = folder.entries(0)
        os.truncate(folder.path / JOURNAL, end)
    except OSError:
        os.close(lock)
        return None
    return folder, lock


def parents(folder: Spooled) -> list[str | None]:
    """Returns the id and provisional id of a run's sweep; None for a single run."""
    above, sent = header_of(folder).get("parent"), folder.sent["parent"]
    return [above] if sent is None else [above, sent]


def made(header: Mapping[str, Any], run_id: str | None = None) -> tuple[Spooled, int]:
    """Makes the folder of a new run atomically, and locks it.

    Args:
        header: First entry of its journal.
        run_id: Its provisional id; None draws one.

    Returns:
        The folder and its lock, which the caller closes.

    Raises:
        OSError: The folder cannot be written.
    """
    parent = root()
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=parent, prefix=prefix()))
    lock = os.open(unfinished / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _name_holder(lock)
        (unfinished / ARTIFACTS).mkdir()
        (unfinished / JOURNAL).write_bytes(line({"kind": "run", **header}))
        unfinished.chmod(0o755)
        folder = Spooled(parent / (run_id or uuid.uuid4().hex))
        unfinished.rename(folder.path)
    except BaseException:
        os.close(lock)
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder, lock


def _hold(lock: int) -> None:
    """Takes a lock. The worker of a dead process may still hold it for a moment.

    Raises:
        BlockingIOError: The process that holds it is alive.
    """
    end = time.monotonic() + ENDING_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(lock, MAX_NAME_LENGTH, 0).decode()
            if time.monotonic() > end or not holder or not process.is_gone(holder, time.time()):
                raise
            time.sleep(LOOK_SECONDS)


def _name_holder(lock: int) -> None:
    """Writes the name of this process into its lock."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, process.name().encode(), 0)


def line(entry: Mapping[str, Any]) -> bytes:
    """Formats an entry as a line of the journal."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def of_run(run_id: str) -> Spooled | None:
    """Returns the folder of a run in the spool, by id or provisional id; None if it is not there."""
    return next((folder for folder in left() if run_id in (folder.id, folder.sent["run_id"])), None)


def of_sweep(parent: str) -> list[Spooled]:
    """Returns the folders of a sweep's trials in the spool."""
    return [folder for folder in left() if header_of(folder).get("parent") == parent]


def header_of(folder: Spooled) -> Entry:
    """Returns the first entry of the journal; empty if the run has been sent meanwhile."""
    try:
        return folder.header
    except FileNotFoundError:
        return {}


def left() -> list[Spooled]:
    """Returns every run in the spool, oldest first."""
    begun = {}
    for path in root().glob(f"[!.]*/{LOCK}"):
        with contextlib.suppress(FileNotFoundError):  # it has been sent meanwhile
            begun[path.parent] = path.stat().st_ctime
    return [Spooled(path) for path in sorted(begun, key=begun.__getitem__)]
