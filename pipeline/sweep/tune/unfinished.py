"""Files of an unfinished `tune`, from which a repeated command resumes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.config import Config, mlruns
from pipeline.data import Dataset
from pipeline.errors import SweepError
from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.fit.checkpoint.folder import RunFolder, delete_left_behind, left_behind, made
from pipeline.runtime.digest import digest
from pipeline.sweep.identity import trial_key

log = logging.getLogger(__name__)

# Prefixes of overrides that may change when a command resumes.
ENDS = ("tune.minutes=", "tune.n_trials=", "tune.patience=", "tune.max_entries=", "tracking.", "sweep.")


class Kept:
    """The networks of a `tune` command, a file for each; this process locks the folder.

    Attributes:
        run_id: Id of the run to resume, which a dead process has left; None for a new run.
        new_id: Provisional id of a new run; None for a resumed one.
        is_known: Whether a resumed run has logged everything known before training.
    """

    def __init__(self, parent: Path, taken: RunFolder | None) -> None:
        """Makes a folder unless one is given, before the run is opened, so that a repeated command finds it.

        Args:
            parent: Folder of all runs of the command.
            taken: Folder of the run to resume.

        Raises:
            SweepError: The folder cannot be made.
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
        """Records the id of the open run.

        Raises:
            SweepError: The folder cannot be written.
        """
        assert self._folder is not None, "it has ended"
        with _full_disk_as_error(self._parent):
            self._folder.describe({}, None, is_known=True)
            self._folder.rename(run_id)

    def path(self, number: int, fold: int | None = None) -> Path:
        """Returns the path of a network's file.

        Args:
            number: Of the configuration.
            fold: From 2; None for the first or only network.
        """
        assert self._folder is not None, "begin comes first"
        return self._folder.path / f"network_{number:04d}{'' if fold is None else f'_fold_{fold}'}.npz"

    def snapshot_path(self, number: int, epoch: int) -> Path:
        """Returns the path of the file of a network after one of its epochs.

        Args:
            number: Of the configuration.
            epoch: From 1.
        """
        return self.path(number).with_suffix(f".epoch_{epoch:05d}.npz")

    def snapshots(self, number: int) -> list[Path]:
        """Returns the files of a network after some of its epochs.

        Args:
            number: Of the configuration.
        """
        path = self.path(number)
        return sorted(path.parent.glob(f"{path.stem}.epoch_*.npz"))

    def keep(self, path: Path, checkpoint: Checkpoint) -> None:
        """Writes a network to its file.

        Args:
            path: From `path` or `snapshot_path`.
            checkpoint: The network.

        Raises:
            SweepError: The file cannot be written.
        """
        with _full_disk_as_error(self._parent):
            checkpoint.write(path)

    def delete(self) -> None:
        """Deletes the folder."""
        if self._folder is not None:
            self._folder.delete()
            self._folder = None

    def close(self) -> None:
        """Unlocks the folder for a repeated command; deletes it if it is empty."""
        if self._folder is not None:
            self._folder.delete() if self._folder.is_empty else self._folder.close()


@contextlib.contextmanager
def keeping(typed: Sequence[str], config: Config, dataset: Dataset) -> Iterator[Kept]:
    """Resumes from the files of a killed command, or makes new ones; deletes both after success.

    Args:
        typed: Overrides of the command line.
        config: The experiment.
        dataset: Its rows.
    """
    words = sorted(word for word in typed if not word.startswith(ENDS))
    parent = mlruns() / "checkpoints" / digest(["tune", trial_key(config, dataset), words])
    found = None if config.sweep.resume == "off" else next(left_behind(parent), None)
    kept = Kept(parent, found)
    try:
        yield kept
        kept.delete()
        delete_left_behind(parent)  # sweep.resume=off has not resumed them
    finally:
        kept.close()


@contextlib.contextmanager
def _full_disk_as_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SweepError(
            f"networks cannot be kept in {folder}: {error.strerror}; free space there, or make it writable"
        ) from None
