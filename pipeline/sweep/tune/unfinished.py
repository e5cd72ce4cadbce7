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
        new_id: By which a new run is found here; None of one that is gone on with.
        is_known: Whether that has logged what is known before training.
    """

    def __init__(self, parent: Path, taken: RunFolder | None) -> None:
        """Makes a folder where none is taken up, before the run is opened: it is found from then on.

        Raises:
            SweepError: It cannot be made.
        """
        self._parent = parent
        self.run_id = None if taken is None else taken.run_id
        self.is_known = taken is None or taken.is_known
        with _full_disk_as_error(parent):
            self._folder: RunFolder | None = taken or made(parent)
            if taken is None:
                self._folder.describe({}, None, is_known=False)
        self.new_id = self._folder.run_id if taken is None else None

    def begin(self, run_id: str) -> None:
        """Takes the id of the open run.

        Raises:
            SweepError: The folder cannot be written.
        """
        assert self._folder is not None, "it has ended"
        with _full_disk_as_error(self._parent):
            self._folder.describe({}, None, is_known=True)
            self._folder.rename(run_id)

    def path(self, number: int, fold: int | None = None) -> Path:
        """Of a network's file; of a fold's beyond the first, where a configuration is several networks."""
        assert self._folder is not None, "begin comes first"
        return self._folder.path / f"network_{number:04d}{'' if fold is None else f'_fold_{fold}'}.npz"

    def keep(self, path: Path, checkpoint: Checkpoint) -> None:
        """Writes the file.

        Raises:
            SweepError: It cannot be written.
        """
        with _full_disk_as_error(self._parent):
            checkpoint.write(path)

    def delete(self) -> None:
        """Deletes all of them."""
        if self._folder is not None:
            self._folder.delete()
            self._folder = None
            with contextlib.suppress(OSError):
                self._parent.rmdir()

    def close(self) -> None:
        """Leaves them to who comes next, where there are some."""
        if self._folder is not None:
            self._folder.delete() if self._folder.is_empty else self._folder.close()


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
def _full_disk_as_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SweepError(
            f"networks cannot be kept in {folder}: {error.strerror}; make room there, or free it"
        ) from None
