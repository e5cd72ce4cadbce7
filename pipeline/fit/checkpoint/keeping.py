"""Keeps how far a run has come, and finds how far one had come that died."""

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
from pipeline.config.rules import Fit
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
    """Where runs of one configuration have their checkpoints, and what tells those apart that can be gone on with."""

    folder: Path  # of all runs of the configuration
    origins: dict[str, str]  # what a run's numbers follow from beside that
    parent: str | None  # the sweep that it belongs to

    def begun(self) -> RunFolder | None:
        """The folder of a new run, made before the run is opened; None where none can be made."""
        try:
            found = made(self.folder)
            found.describe(self.origins, self.parent, is_known=False)
        except OSError:  # whoever has a checkpoint to write tells of it
            return None
        return found


class Keeping:
    """What a run keeps of itself while it trains.

    Args:
        config: The fit section.
        place: Where its checkpoints go.
        taken: Where the run that it goes on with has its own.
        found: The newest of them; None where it died before the first.
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
        self._told: set[str] = set()

    @property
    def run_id(self) -> str | None:
        """The run that this one goes on with; None of a new one."""
        if self.found is not None:
            return self.found.run_id
        return None if self._is_new or self._taken is None else self._taken.run_id

    @property
    def new_id(self) -> str | None:
        """By which the journal of a new run is found here, whatever becomes of this process; None of another."""
        return self._taken.run_id if self._is_new and self._taken is not None else None

    @property
    def epochs(self) -> Epochs:
        """Those that the run had ended with."""
        return [] if self.found is None else list(self.found.epochs)

    @property
    def seconds(self) -> float:
        """That the run had trained."""
        return 0.0 if self.found is None else self.found.seconds

    def begin(self, run_id: str, report: Callable[[int, dict[str, float]], None]) -> None:
        """Takes the id of the open run, and tells it the epochs from before: tracking may not have come as far."""
        self._run_id = run_id
        if self._taken is not None:
            with contextlib.suppress(OSError):  # then it is found as it was before, or begun anew
                self._taken.describe(self._place.origins, self._place.parent, is_known=True)
                self._taken.rename(run_id)
        for number, values in enumerate(self.epochs, 1):
            report(number, values)

    def started(self) -> None:
        """Begins to count the time of training."""
        self._pace = Pace(self._config, self.seconds, time.monotonic())

    def is_due(self, epochs: Epochs) -> bool:
        """Whether to keep what there is after these epochs."""
        if self._writing is not None and not self._writing.done():
            return False
        self._wait()
        return self._pace.is_due(len(epochs), epochs[-1]["seconds"], time.monotonic())

    def keep(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], epochs: Epochs) -> None:
        """Copies all that training goes on from, and has it written beside the training."""
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
        """Keeps what training has come to: what follows, the export above all, may be killed as well."""
        self._wait()
        if self._pace.is_long(time.monotonic()):
            run, weights = self._of_run(epochs), values_of(model.variables)
            self._write(Checkpoint(*run, weights=weights, is_trained=True, best_epoch=best_epoch), 0.0)

    def what_comes_next(self) -> str:
        """What the same command would do, for whoever ended the run."""
        self._wait()
        kept = None if self._taken is None else self._taken.newest()
        if kept is None:
            return "the same command begins anew, for no checkpoint was due (fit.checkpoint=true keeps some)"
        return f"the same command goes on after epoch {len(kept.epochs)}"

    def delete(self) -> None:
        """Deletes what it has kept."""
        self._wait()
        if self._taken is not None:
            self._taken.delete()

    def close(self) -> None:
        """Leaves what it has kept to who comes next; a run that has ended without a checkpoint has nothing to leave."""
        self._writer.shutdown()
        if self._taken is not None:
            self._taken.delete() if self._taken.is_empty else self._taken.close()

    def _of_run(self, epochs: Epochs) -> tuple[str, dict[str, str], float, Epochs]:
        assert self._run_id is not None, "begin comes first"
        return self._run_id, self._place.origins, self._pace.seconds(time.monotonic()), list(epochs)

    def _write(self, checkpoint: Checkpoint, copying: float) -> float:
        """Writes, and gives what it has cost; that it cannot be written is no reason not to train."""
        began = time.monotonic()
        try:
            if self._taken is None:
                self._taken = made(self._place.folder, checkpoint.run_id)
            self._taken.write(checkpoint)
        except OSError as error:
            folder = self._place.folder
            problem = f"no checkpoint can be written to {folder}: {error.strerror}; {room(folder)}"
            self._tell(f"{problem}; training goes on without")
        return copying + time.monotonic() - began

    def _wait(self) -> None:
        if self._writing is not None:
            self._pace.written(self._writing.result(), time.monotonic())
            self._writing = None

    def _tell(self, text: str) -> None:
        """Once: the next one may well meet the same."""
        if text not in self._told:
            self._told.add(text)
            log.warning("%s", text)


class Checkpoints(keras.callbacks.Callback):
    """Goes on from a checkpoint, and writes others from time to time; to be the last of the callbacks.

    Args:
        keeping: Where they go.
        callbacks: The others.
        epochs: Those that have ended, to which others are added.
    """

    def __init__(self, keeping: Keeping, callbacks: Sequence[keras.callbacks.Callback], epochs: Epochs) -> None:
        super().__init__()
        self._keeping, self._callbacks, self._epochs = keeping, list(callbacks), epochs

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """After the others have forgotten what they knew."""
        self._keeping.started()
        if self._keeping.found is not None:
            restore(self.model, self._callbacks, self._keeping.found)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Unless it was the last: then what training has come to is kept."""
        is_last = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if not is_last and self._keeping.is_due(self._epochs):
            self._keeping.keep(self.model, self._callbacks, self._epochs)


@contextlib.contextmanager
def keeping(
    config: Config, dataset: Dataset, trainable: TrainableModel, parent: str | None = None
) -> Iterator[Keeping]:
    """Takes up what a run of this configuration has left that died; what is kept goes when the run has ended well.

    One that died before its first checkpoint is gone on with as well, from its first epoch. A run that its sweep has
    pruned has ended as well. `fit.resume=off` and `sweep.resume=off` begin anew.

    Args:
        config: The experiment.
        dataset: Its rows.
        trainable: Its network.
        parent: Id of the sweep that the run belongs to.
    """
    place = Place(folder_of(config), origins_of(dataset, trainable), parent)
    resume = "off" if config.sweep.resume == "off" else config.fit.resume
    taken = None if resume == "off" else _taken_up(place, resume == "force") or _begun(place)
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
        log.info("%s; %s", signals.word(interrupt), kept.what_comes_next())
        raise
    finally:
        kept.close()


def _taken_up(place: Place, whatever_differs: bool) -> tuple[RunFolder, Checkpoint] | None:
    """The latest that was left behind of the same data, code and machine; of others the latest is named."""
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
                "run %s ended after epoch %d, but what it follows from has changed: %s; this one begins anew "
                "(fit.resume=force goes on with it)", found.run_id, len(found.epochs), other,
            )  # fmt: skip
    return None


def _begun(place: Place) -> tuple[RunFolder] | None:
    """The latest that died before its first checkpoint; as its epochs come again, they must be the very same."""
    for run in left_behind(place.folder):
        if run.is_empty and run.is_of(place.origins, place.parent):
            return (run,)
        run.close()
    return None


def _tell_where(kept: Keeping, n_epochs: int, trainable: TrainableModel) -> None:
    found = kept.found
    if found is None:
        log.info("goes on with run %s from its first epoch: its process ended before a checkpoint", kept.run_id)
        return
    where = "training has ended, the rest follows" if found.is_trained else f"of at most {n_epochs}"
    log.info("goes on with run %s after epoch %d, %s", found.run_id, len(found.epochs), where)
    if variable_clone.structure(trainable.network) is None and not found.is_trained:
        log.warning(
            "the network has layers that are not Keras's own: where they draw random numbers in ways of their own, the "
            "run will not come to exactly what it would have come to undisturbed"
        )
