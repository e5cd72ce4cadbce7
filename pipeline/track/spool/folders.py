"""Where journals lie: a folder for each run whose store has not got all of it yet."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import mlruns
from pipeline.runtime.atomic_files import prefix, whole_file

VARIABLE = "PIPELINE_SPOOL"  # by the environment another folder, say on a disk of the machine's own
JOURNAL, SENT, LOCK = "journal.jsonl", "sent.json", "lock"
ARTIFACTS, MODEL = "artifacts", "model"

Entry = dict[str, Any]


def root() -> Path:
    """The folder that has one for each run."""
    return Path(os.environ.get(VARIABLE) or mlruns() / "spool").absolute()


@dataclass(frozen=True)
class Spooled:
    """A run's folder: journal, artifacts, and how far the store has got them.

    Attributes:
        path: The folder; its name is the run's provisional id, by which the run is found before and after it is sent.
    """

    path: Path

    @property
    def id(self) -> str:
        """The provisional id."""
        return self.path.name

    @property
    def artifacts(self) -> Path:
        """Files as they are to lie in the store."""
        return self.path / ARTIFACTS

    @property
    def header(self) -> Entry:
        """The first entry: store, experiment, name, parent, tags and start of the run."""
        for entry, _ in self.entries(0):
            return entry
        raise FileNotFoundError(self.path)  # the store has got it meanwhile

    def entries(self, offset: int) -> Iterator[tuple[Entry, int]]:
        """Entries from a byte of the journal on, each with where the next begins; not one that is half written."""
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
        """How far the store is: its ids of the run and its parent and `artifact_uri`, `offset` in the journal."""
        try:
            known = json.loads((self.path / SENT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            known = {}
        nothing: dict[str, Any] = {"run_id": None, "parent": None, "artifact_uri": None, "logged": {}}
        return {**nothing, "offset": 0, "is_complete": False, **known}

    def keep_sent(self, sent: Mapping[str, Any]) -> None:
        """Writes how far the store is. Where that fails the next to send begins earlier, which changes nothing."""
        with contextlib.suppress(OSError), whole_file(self.path / SENT) as file:
            file.write_text(json.dumps(sent), encoding="utf-8")

    @contextlib.contextmanager
    def claimed(self) -> Iterator[bool]:
        """Holds the run; gives False where the process that it belongs to, or another that sends it, is alive."""
        try:
            file = (self.path / LOCK).open("a")
        except FileNotFoundError:  # it was sent meanwhile
            yield False
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield (self.path / JOURNAL).exists()

    def remove(self) -> None:
        """Forgets a run that the store has got; whoever looks sees all of it or nothing."""
        gone = self.path.with_name(f"{prefix()}{self.id}")
        with contextlib.suppress(OSError):
            self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def taken_over(run_id: str, parent: str | None) -> tuple[Spooled, int] | None:
    """The folder of a run whose process has died, held as long as this process lives; what it half wrote is dropped.

    Args:
        run_id: Either of its ids.
        parent: Of the sweep that it must belong to.
    """
    folder = of_run(run_id)
    if folder is None or parent not in _parents(folder):
        return None
    lock = os.open(folder.path / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        *_, (_, end) = folder.entries(0)
        os.truncate(folder.path / JOURNAL, end)
    except OSError:
        os.close(lock)
        return None
    return folder, lock


def _parents(folder: Spooled) -> list[str | None]:
    """The sweep that a run belongs to, by either of its ids; None of a run on its own."""
    above, sent = folder.header.get("parent"), folder.sent["parent"]
    return [above] if sent is None else [above, sent]


def made(header: Mapping[str, Any], run_id: str | None = None) -> tuple[Spooled, int]:
    """Makes the folder of a new run, whole or not at all, and holds it as long as this process lives.

    Args:
        header: The first entry of its journal.
        run_id: Its provisional id; None draws one.

    Returns:
        The folder and the file that holds it, to be closed in the end.

    Raises:
        OSError: It cannot be written.
    """
    parent = root()
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=parent, prefix=prefix()))
    lock = os.open(unfinished / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
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


def line(entry: Mapping[str, Any]) -> bytes:
    """An entry as a line of the journal."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def of_run(run_id: str) -> Spooled | None:
    """The folder of a run, by either of its ids, while it is on its way to the store."""
    return next((folder for folder in left() if run_id in (folder.id, folder.sent["run_id"])), None)


def of_sweep(parent: str) -> list[Spooled]:
    """The trials of a sweep that are on their way to the store."""
    return [folder for folder in left() if header_of(folder).get("parent") == parent]


def header_of(folder: Spooled) -> Entry:
    """The first entry of its journal; empty for a run that the store has got meanwhile."""
    try:
        return folder.header
    except FileNotFoundError:
        return {}


def left() -> list[Spooled]:
    """Every run that is on its way to a store, the oldest first."""
    begun = {}
    for path in root().glob(f"[!.]*/{LOCK}"):
        with contextlib.suppress(FileNotFoundError):  # the store has got it meanwhile
            begun[path.parent] = path.stat().st_ctime
    return [Spooled(path) for path in sorted(begun, key=begun.__getitem__)]
