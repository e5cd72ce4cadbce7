"""Where checkpoints lie: a folder for each configuration, in it one for each run, which a living process has locked."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.config import Config, mlruns
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.runtime.atomic_files import PREFIX, whole_file
from pipeline.runtime.digest import digest
from pipeline.runtime.locks import locked

log = logging.getLogger(__name__)

KEPT = 2  # the one before is there while the next is written, and if that cannot be read
ABOUT = "run.json"


class RunFolder:
    """The checkpoints of one run, which are this process's alone, and what it follows from before there are any."""

    def __init__(self, path: Path, held: contextlib.ExitStack) -> None:
        self.path, self._held = path, held

    @property
    def run_id(self) -> str:
        """Of the run, by which its store or its journal has it."""
        return self.path.name

    @property
    def is_known(self) -> bool:
        """Whether all that is known before training was logged when the run's process ended."""
        return bool(self._about().get("is_known", self._files()))

    def is_of(self, origins: Mapping[str, str], parent: str | None) -> bool:
        """Whether its run follows from the same, and belongs to the same sweep; False where that was not kept."""
        about = self._about()
        return (about.get("origins"), about.get("parent")) == (dict(origins), parent)

    def describe(self, origins: Mapping[str, str], parent: str | None, is_known: bool) -> None:
        """Keeps what tells the same command that the run is one to go on with.

        Raises:
            OSError: It cannot be written.
        """
        with whole_file(self.path / ABOUT) as unfinished:
            about = {"origins": dict(origins), "parent": parent, "is_known": is_known}
            unfinished.write_text(json.dumps(about), encoding="utf-8")

    def rename(self, run_id: str) -> None:
        """Gives it the id by which the run is known from now on; one that another folder has changes nothing.

        Raises:
            OSError: It cannot be renamed.
        """
        path = self.path.with_name(run_id)
        held = None if path.exists() else _locked(path)
        if held is None:
            return
        self.path.rename(path)
        _lock_of(self.path).unlink(missing_ok=True)
        self._held.close()
        self.path, self._held = path, held

    def newest(self) -> Checkpoint | None:
        """The newest that can be read."""
        for path in reversed(self._files()):
            try:
                return Checkpoint.read(path)
            except ValueError as error:
                log.warning("%s", error)
        return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Adds one, and deletes those that are not kept any more.

        Raises:
            OSError: It cannot be written.
        """
        checkpoint.write(self.path / f"{len(checkpoint.epochs):08d}.npz")
        for path in self._files()[:-KEPT]:
            path.unlink()

    def delete(self) -> None:
        """Deletes all of them."""
        shutil.rmtree(self.path, ignore_errors=True)
        _lock_of(self.path).unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leaves it to other processes."""
        self._held.close()

    @property
    def is_empty(self) -> bool:
        """Whether there is no checkpoint in it."""
        return not self._files()

    def _about(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.path / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a former version wrote none
            return {}
        return found

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("*.npz"))


def folder_of(config: Config) -> Path:
    """The folder of all runs of a configuration: of what the same command gives again."""
    values = config.model_dump(exclude={"sweep": True, "study": True, "tune": True, "fit": {"checkpoint", "resume"}})
    return mlruns() / "checkpoints" / digest(values)


def made(folder: Path, run_id: str | None = None) -> RunFolder:
    """A new folder for a run.

    Args:
        folder: Of all runs of its configuration.
        run_id: Its id; None draws one for a run that is still to be opened.

    Raises:
        OSError: It cannot be made.
    """
    path = folder / (run_id or uuid.uuid4().hex)
    folder.mkdir(parents=True, exist_ok=True)
    held = _locked(path)  # before there is anything that others could take for left behind
    assert held is not None, "another process has no run of this id"
    path.mkdir(exist_ok=True)
    return RunFolder(path, held)


def left_behind(folder: Path) -> Iterator[RunFolder]:
    """What runs have left whose process is gone, the latest first; whoever does not want one closes it."""
    paths = [path for path in folder.glob("*") if path.is_dir()]
    for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True):
        held = _locked(path)
        if held is not None and not path.is_dir():  # its process has deleted or renamed it meanwhile
            _lock_of(path).unlink(missing_ok=True)
            held.close()
        elif held is not None:
            for unfinished in path.glob(f"{PREFIX}*"):  # of a process that was killed while it wrote
                unfinished.unlink(missing_ok=True)
            yield RunFolder(path, held)


def delete_left_behind(folder: Path) -> None:
    """Deletes what runs have left whose process is gone, and the folder if nothing else is in it."""
    for found in left_behind(folder):
        found.delete()
    for lock in folder.glob("*.lock"):  # of a process that was killed while it deleted
        if not lock.with_suffix("").is_dir():
            lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another run of the same configuration is going on
        folder.rmdir()


def _locked(path: Path) -> contextlib.ExitStack | None:
    """The lock of a run's folder, held as long as this process lives; None where another process has it."""
    held = contextlib.ExitStack()
    if held.enter_context(locked(_lock_of(path), wait=False)) is not None:
        return held
    held.close()
    return None


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
