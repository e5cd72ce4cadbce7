"""What a tuning that is not finished has on the disk: the same command goes on with it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.config import Config, mlruns
from pipeline.data import Dataset
from pipeline.errors import SweepError
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.fit.checkpoint.folder import RunFolder, left_behind, made
from pipeline.runtime.digest import digest
from pipeline.sweep.identity import trial_key

log = logging.getLogger(__name__)

ENDS = ("tune.minutes=", "tune.n_trials=", "tune.patience=", "tune.max_entries=", "tracking.")  # more of it goes on


class Kept:
    """The networks of a tuning, a file each; the folder is this process's alone.

    Attributes:
        run_id: Of the run that a dead process has left, and that this one goes on with; None of a new one.
    """

    def __init__(self, parent: Path, folder: RunFolder | None) -> None:
        self._parent, self._folder = parent, folder
        self.run_id = None if folder is None else folder.path.name

    def begin(self, run_id: str) -> None:
        """Takes the id of the open run.

        Raises:
            SweepError: The folder cannot be made.
        """
        if self._folder is None:
            with _told(self._parent):
                self._folder = made(self._parent, run_id)

    def path(self, number: int, fold: int | None = None) -> Path:
        """Of a network's file; of a fold's beyond the first, where a configuration is several networks."""
        assert self._folder is not None, "begin comes first"
        return self._folder.path / f"network_{number:04d}{'' if fold is None else f'_fold_{fold}'}.npz"

    def keep(self, path: Path, checkpoint: Checkpoint) -> None:
        """Writes the file.

        Raises:
            SweepError: It cannot be written.
        """
        with _told(self._parent):
            checkpoint.write(path)

    def delete(self) -> None:
        """Deletes all of them."""
        if self._folder is not None:
            self._folder.delete()
            self._folder = None
            with contextlib.suppress(OSError):
                self._parent.rmdir()

    def close(self) -> None:
        """Leaves them to who comes next."""
        if self._folder is not None:
            self._folder.close()


@contextlib.contextmanager
def keeping(typed: Sequence[str], config: Config, dataset: Dataset) -> Iterator[Kept]:
    """Takes up what the same command has left that was killed; what is kept goes when this one has ended well.

    Args:
        typed: The command line.
        config: What it stands for.
        dataset: The rows.
    """
    words = sorted(word for word in typed if not word.startswith(ENDS))
    parent = mlruns() / "checkpoints" / digest(["tune", trial_key(config, dataset), words])
    found = None if config.sweep.resume == "off" else next(left_behind(parent), None)
    kept = Kept(parent, found)
    try:
        yield kept
        kept.delete()
    finally:
        kept.close()


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SweepError(
            f"networks cannot be kept in {folder}: {error.strerror}; make room there, or free it"
        ) from None
