"""Where checkpoints lie: a folder for each configuration, in it one for each run, which a living process has locked."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import Config, mlruns
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.runtime.digest import digest
from pipeline.runtime.files import PREFIX
from pipeline.runtime.locks import locked

log = logging.getLogger(__name__)

KEPT = 2  # the one before is there while the next is written, and if that cannot be read


class RunFolder:
    """The checkpoints of one run, which are this process's alone."""

    def __init__(self, path: Path, held: contextlib.ExitStack) -> None:
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

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("*.npz"))


def folder_of(config: Config) -> Path:
    """The folder of all runs of a configuration: of what the same command gives again."""
    values = config.model_dump(exclude={"sweep": True, "study": True, "tune": True, "fit": {"checkpoint", "resume"}})
    return mlruns() / "checkpoints" / digest(values)


def made(folder: Path, run_id: str) -> RunFolder:
    """A new folder for a run.

    Raises:
        OSError: It cannot be made.
    """
    path = folder / run_id
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
        if held is not None:
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
