"""Checkpoint folders: one for each configuration, with one for each run, which the run's process locks."""

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
from pipeline.config.rules import AROUND_RUNS
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.runtime.atomic_files import PREFIX, whole_file
from pipeline.runtime.digest import digest
from pipeline.runtime.locks import locked

log = logging.getLogger(__name__)

KEPT = 2  # the previous one is a fallback if the newest cannot be read
ABOUT = "run.json"


class RunFolder:
    """The checkpoints of one run, locked by this process, and a description of the run before its first checkpoint.

    Args:
        path: The folder.
        held: Releases its lock when closed.
    """

    def __init__(self, path: Path, held: contextlib.ExitStack) -> None:
        self.path, self._held = path, held

    @property
    def run_id(self) -> str:
        """Id of the run in the store or in its journal."""
        return self.path.name

    @property
    def is_known(self) -> bool:
        """Whether everything known before training had been logged when the run's process ended."""
        return bool(self._about().get("is_known", self._files()))

    def is_of(self, origins: Mapping[str, str], parent: str | None) -> bool:
        """Whether the run has these origins and this sweep; False if they were not recorded.

        Args:
            origins: What the run's numbers depend on, by name.
            parent: Id of the sweep; None outside of a sweep.
        """
        about = self._about()
        return (about.get("origins"), about.get("parent")) == (dict(origins), parent)

    def describe(self, origins: Mapping[str, str], parent: str | None, is_known: bool) -> None:
        """Records what a repeated command needs to recognize the run.

        Args:
            origins: What the run's numbers depend on, by name.
            parent: Id of the sweep; None outside of a sweep.
            is_known: Whether everything known before training has been logged.

        Raises:
            OSError: The description cannot be written.
        """
        with whole_file(self.path / ABOUT) as unfinished:
            about = {"origins": dict(origins), "parent": parent, "is_known": is_known}
            unfinished.write_text(json.dumps(about), encoding="utf-8")

    def rename(self, run_id: str) -> None:
        """Renames the folder to the run's new id; does nothing if another folder has that id.

        Raises:
            OSError: The folder cannot be renamed.
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
        """Reads the newest readable checkpoint; None if there is none."""
        for path in reversed(self._files()):
            try:
                return Checkpoint.read(path)
            except ValueError as error:
                log.warning("%s", error)
        return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint, and deletes all but the newest KEPT.

        Raises:
            OSError: The checkpoint cannot be written.
        """
        checkpoint.write(self.path / f"{len(checkpoint.epochs):08d}.npz")
        for path in self._files()[:-KEPT]:
            path.unlink()

    def delete(self) -> None:
        """Deletes the folder with all checkpoints, and unlocks it."""
        shutil.rmtree(self.path, ignore_errors=True)
        _lock_of(self.path).unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Unlocks the folder for other processes."""
        self._held.close()

    @property
    def is_empty(self) -> bool:
        """Whether the folder holds no checkpoints."""
        return not self._files()

    def _about(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.path / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # earlier versions wrote no description
            return {}
        return found

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("*.npz"))


def folder_of(config: Config) -> Path:
    """Returns the folder of all runs of a configuration."""
    values = config.model_dump(exclude=dict.fromkeys(AROUND_RUNS, True) | {"fit": {"checkpoint", "resume"}})
    return mlruns() / "checkpoints" / digest(values)


def made(folder: Path, run_id: str | None = None) -> RunFolder:
    """Makes and locks a new folder for a run.

    Args:
        folder: Folder of all runs of the configuration.
        run_id: Id of the run; None draws one for a run that is not open yet.

    Raises:
        OSError: The folder cannot be made.
    """
    path = folder / (run_id or uuid.uuid4().hex)
    folder.mkdir(parents=True, exist_ok=True)
    held = _locked(path)  # before the folder exists, so that no other process takes it for abandoned
    assert held is not None, "the id is new, so no other process holds its lock"
    path.mkdir(exist_ok=True)
    return RunFolder(path, held)


def left_behind(folder: Path) -> Iterator[RunFolder]:
    """Yields and locks the folders of runs whose process has ended, newest first; the caller closes each one."""
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
    """Deletes the folders of runs whose process has ended, and the parent folder if it is then empty."""
    for found in left_behind(folder):
        found.delete()
    for lock in folder.glob("*.lock"):  # of a process that was killed while it deleted
        if not lock.with_suffix("").is_dir():
            lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another run of the same configuration is active
        folder.rmdir()


def _locked(path: Path) -> contextlib.ExitStack | None:
    """Locks a run's folder until it is closed or this process ends; None if another process holds the lock."""
    held = contextlib.ExitStack()
    if held.enter_context(locked(_lock_of(path), wait=False)) is not None:
        return held
    held.close()
    return None


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
