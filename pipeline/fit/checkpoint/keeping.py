"""Writes checkpoints of a run, and finds those of a run to resume."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras

from pipeline.config import Config
from pipeline.config.rules import Fit, start_over
from pipeline.data import Dataset
from pipeline.errors import Pruned
from pipeline.fit import variable_clone
from pipeline.fit.checkpoint.file import Checkpoint, Epochs
from pipeline.fit.checkpoint.folder import RunFolder, delete_left_behind, folder_of, left_behind, made
from pipeline.fit.checkpoint.origins import differences, origins_of
from pipeline.fit.checkpoint.pace import Pace
from pipeline.fit.checkpoint.state import best_weights, remembered, restore, values_of
from pipeline.fit.trainable_model import TrainableModel
from pipeline.runtime import signals
from pipeline.runtime.atomic_files import room

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Checkpoint folder of a configuration, and what a run must match to be resumed."""

    folder: Path  # of all runs of the configuration
    origins: dict[str, str]  # what a run's numbers depend on apart from the configuration
    parent: str | None  # id of the run's sweep

    def begun(self) -> RunFolder | None:
        """Makes the folder of a new run before the run is opened; None if it cannot be made."""
        try:
            found = made(self.folder)
            found.describe(self.origins, self.parent, is_known=False)
        except OSError:  # reported when a checkpoint is written
            return None
        return found


class Keeping:
    """Writes the checkpoints of a run while it trains.

    Args:
        config: The fit section.
        place: Folder and identity of the run.
        taken: Folder of the run that is resumed; None for a new run.
        found: Its newest checkpoint; None if it ended before the first.
    """

    def __init__(
        self, config: Fit, place: Place, taken: RunFolder | None = None, found: Checkpoint | None = None
    ) -> None:
        self.found = found
        self._config, self._place = config, place
        self._taken, self._is_new = taken or place.begun(), taken is None
        self.is_known = taken is None or taken.is_known
        self._run_id = self.run_id
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[float] | None = None
        self._reported: set[str] = set()

    @property
    def run_id(self) -> str | None:
        """Id of the run that is resumed; None for a new run."""
        if self.found is not None:
            return self.found.run_id
        return None if self._is_new or self._taken is None else self._taken.run_id

    @property
    def new_id(self) -> str | None:
        """Id under which the journal of a new run is found if this process dies; None for a resumed run."""
        return self._taken.run_id if self._is_new and self._taken is not None else None

    @property
    def epochs(self) -> Epochs:
        """Values of the epochs in the checkpoint."""
        return [] if self.found is None else list(self.found.epochs)

    @property
    def seconds(self) -> float:
        """Seconds of training up to the checkpoint."""
        return 0.0 if self.found is None else self.found.seconds

    def begin(self, run_id: str, report: Callable[[int, dict[str, float]], None]) -> None:
        """Records the id of the open run, and reports earlier epochs again: tracking may have missed some.

        Args:
            run_id: Id of the open run.
            report: Called with the number, from 1, and the values of each epoch in the checkpoint.
        """
        self._run_id = run_id
        if self._taken is not None:
            with contextlib.suppress(OSError):  # the old description stays valid; at worst the run starts over
                self._taken.describe(self._place.origins, self._place.parent, is_known=True)
                self._taken.rename(run_id)
        for number, values in enumerate(self.epochs, 1):
            report(number, values)

    def started(self) -> None:
        """Starts the clock of training."""
        self._pace = Pace(self._config, self.seconds, time.monotonic())

    def is_due(self, epochs: Epochs) -> bool:
        """Whether to write a checkpoint after these epochs."""
        if self._writing is not None and not self._writing.done():
            return False
        self._wait()
        return self._pace.is_due(len(epochs), epochs[-1]["seconds"], time.monotonic())

    def keep(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], epochs: Epochs) -> None:
        """Copies the state of training, and writes it in a background thread.

        Args:
            model: The model that is trained.
            callbacks: Its callbacks, whose state is written too.
            epochs: Values of the finished epochs.
        """
        began = time.monotonic()
        checkpoint = Checkpoint(
            *self._of_run(epochs),
            weights=values_of(model.variables),
            optimizer=values_of(model.optimizer.variables),
            best=best_weights(callbacks),
            callbacks=remembered(callbacks),
        )
        copying = time.monotonic() - began
        self._writing = self._writer.submit(self._write, checkpoint, copying)

    def trained(self, model: keras.Model, epochs: Epochs, best_epoch: int | None) -> None:
        """Writes the trained weights, because the process may also end during the export.

        Args:
            model: The trained model.
            epochs: Values of all epochs.
            best_epoch: Epoch whose weights are kept, from 1; None without early stopping.
        """
        self._wait()
        if self._pace.is_long(time.monotonic()):
            run, weights = self._of_run(epochs), values_of(model.variables)
            self._write(Checkpoint(*run, weights=weights, is_trained=True, best_epoch=best_epoch), 0.0)

    def what_comes_next(self, off: Sequence[str]) -> str:
        """Returns what repeating the command will do, for the message of an interrupted run.

        Args:
            off: Keys that are `off`, with which it starts over.
        """
        self._wait()
        kept = None if self._taken is None else self._taken.newest()
        if kept is None:
            return "the same command starts over: no checkpoint was due yet (fit.checkpoint=true writes some)"
        resumes = f"resumes after epoch {len(kept.epochs)}"
        if off:
            return f"the same command starts over; without {' and '.join(f'{key}=off' for key in off)} it {resumes}"
        return f"the same command {resumes}"

    def delete(self) -> None:
        """Deletes the checkpoints of this run."""
        self._wait()
        if self._taken is not None:
            self._taken.delete()

    def close(self) -> None:
        """Leaves the checkpoints to the next process; a folder without checkpoints is deleted."""
        self._writer.shutdown()
        if self._taken is not None:
            self._taken.delete() if self._taken.is_empty else self._taken.close()

    def _of_run(self, epochs: Epochs) -> tuple[str, dict[str, str], float, Epochs]:
        assert self._run_id is not None, "begin comes first"
        return self._run_id, self._place.origins, self._pace.seconds(time.monotonic()), list(epochs)

    def _write(self, checkpoint: Checkpoint, copying: float) -> float:
        """Writes a checkpoint, and returns its cost in seconds; a failure is logged, and training continues."""
        began = time.monotonic()
        try:
            if self._taken is None:
                self._taken = made(self._place.folder, checkpoint.run_id)
            self._taken.write(checkpoint)
        except OSError as error:
            folder = self._place.folder
            problem = f"no checkpoint can be written to {folder}: {error.strerror}"
            self._tell(problem, f"{room(folder)}; training continues without checkpoints")
        return copying + time.monotonic() - began

    def _wait(self) -> None:
        if self._writing is not None:
            self._pace.written(self._writing.result(), time.monotonic())
            self._writing = None

    def _tell(self, problem: str, details: str) -> None:
        """Logs a problem once, though its details change: the next checkpoint is likely to fail for the same reason."""
        if problem not in self._reported:
            self._reported.add(problem)
            log.warning("%s; %s", problem, details)


class Checkpoints(keras.callbacks.Callback):
    """Restores a checkpoint and writes new ones when due; must be the last of the callbacks.

    Args:
        keeping: Writes the checkpoints.
        callbacks: The other callbacks.
        epochs: Values of the finished epochs; the caller appends to it.
    """

    def __init__(self, keeping: Keeping, callbacks: Sequence[keras.callbacks.Callback], epochs: Epochs) -> None:
        super().__init__()
        self._keeping, self._callbacks, self._epochs = keeping, list(callbacks), epochs

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Restores the checkpoint after the other callbacks have reset their state."""
        self._keeping.started()
        if self._keeping.found is not None:
            restore(self.model, self._callbacks, self._keeping.found)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes a checkpoint if one is due, except after the last epoch, whose weights `trained` writes."""
        is_last = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if not is_last and self._keeping.is_due(self._epochs):
            self._keeping.keep(self.model, self._callbacks, self._epochs)


@contextlib.contextmanager
def keeping(
    config: Config, dataset: Dataset, trainable: TrainableModel, parent: str | None = None
) -> Iterator[Keeping]:
    """Resumes an interrupted run of this configuration; deletes the checkpoints when the run has finished.

    A run that ended before its first checkpoint is resumed from its first epoch. A run that its sweep prunes counts as
    finished. `fit.resume=off` and `sweep.resume=off` start over.

    Args:
        config: The experiment.
        dataset: Its rows.
        trainable: Its network.
        parent: Id of the run's sweep.
    """
    place = Place(folder_of(config), origins_of(dataset, trainable), parent)
    off = start_over(config)
    taken = None if off else _taken_up(place, config.fit.resume == "force") or _begun(place)
    kept = Keeping(config.fit, place, *(taken or ()))
    if kept.run_id is not None:
        _tell_where(kept, config.fit.epochs, trainable)
    try:
        yield kept
        kept.delete()
        delete_left_behind(place.folder)
    except Pruned:
        kept.delete()
        raise
    except KeyboardInterrupt as interrupt:
        log.info("%s; %s", signals.word(interrupt), kept.what_comes_next(off))
        raise
    finally:
        kept.close()


def _taken_up(place: Place, whatever_differs: bool) -> tuple[RunFolder, Checkpoint] | None:
    """Finds the newest interrupted run of the same data, code and machine; logs why the newest other one differs."""
    announced = False
    for run in left_behind(place.folder):
        found = run.newest()
        other = "" if found is None else differences(found.origins, place.origins)
        if found is not None and (whatever_differs or not other):
            return run, found
        run.close()
        if found is not None and not announced:
            announced = True
            log.warning(
                "run %s ended after epoch %d, but its origins have changed: %s; this run starts over "
                "(fit.resume=force resumes it)", found.run_id, len(found.epochs), other,
            )  # fmt: skip
    return None


def _begun(place: Place) -> tuple[RunFolder] | None:
    """Finds the newest run that ended before its first checkpoint; its epochs are repeated, so all must match."""
    for run in left_behind(place.folder):
        if run.is_empty and run.is_of(place.origins, place.parent):
            return (run,)
        run.close()
    return None


def _tell_where(kept: Keeping, n_epochs: int, trainable: TrainableModel) -> None:
    found = kept.found
    if found is None:
        log.info("resuming run %s from its first epoch: its process ended before a checkpoint", kept.run_id)
        return
    where = "training has finished, the later steps follow" if found.is_trained else f"of at most {n_epochs}"
    log.info("resuming run %s after epoch %d, %s", found.run_id, len(found.epochs), where)
    if variable_clone.structure(trainable.network) is None and not found.is_trained:
        log.warning(
            "the network has layers that are not Keras's own: if they use random generators of their own, the result "
            "will differ slightly from that of an uninterrupted run"
        )
