"""Callbacks: early stopping, stopping at NaN, reports and progress."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from pipeline.config.rules import EarlyStopping, Fit
from pipeline.errors import TrainingError
from pipeline.runtime import signals

log = logging.getLogger(__name__)
of_many = logging.getLogger("pipeline.fit.of_many")  # progress of long trainings while `log` is quiet

BAR_SECONDS = 0.2  # between two updates of the bar within an epoch
LARGE_PENALTY = 1e4  # of untrained weights: far above any other loss
LINE_SECONDS = 20.0  # between two lines within an epoch, or within one of many trainings


def direction_of(monitor: str) -> str:
    """Returns `max` for accuracy, `min` for losses and errors."""
    return "max" if monitor.endswith("accuracy") else "min"


def _finite_or_worst(value: float, mode: str) -> float:
    """Returns the value, or an infinitely bad one: Keras keeps a NaN of the first epoch as the best value for ever."""
    return value if math.isfinite(value) else math.inf if mode == "min" else -math.inf


class BestWeights(keras.callbacks.EarlyStopping):
    """Early stopping (Prechelt 1998) that restores the best weights, also if training ends by `fit.epochs`."""

    def __init__(self, config: EarlyStopping) -> None:
        super().__init__(
            monitor=config.monitor,
            mode=direction_of(config.monitor),
            patience=config.patience,
            min_delta=config.min_delta,
            start_from_epoch=config.start_from_epoch,
            restore_best_weights=True,
        )

    def get_monitor_value(self, logs: dict[str, float] | None) -> float:
        """Returns the monitored value of this epoch, infinitely bad if it is not finite."""
        return _finite_or_worst(super().get_monitor_value(logs), self.mode)


class _Plateau(keras.callbacks.ReduceLROnPlateau):
    """Lowers the learning rate once the monitored value no longer improves."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        values = dict(logs or {})
        super().on_epoch_end(epoch, values | {self.monitor: _finite_or_worst(values[self.monitor], self.mode)})


def plateau(config: Fit) -> Iterator[keras.callbacks.ReduceLROnPlateau]:
    """Yields the callback that lowers the learning rate on a plateau if `fit.schedule` is `reduce_on_plateau`."""
    stopping = config.early_stopping
    if config.schedule == "reduce_on_plateau":
        yield _Plateau(
            monitor=stopping.monitor,
            mode=direction_of(stopping.monitor),
            factor=config.plateau_factor,
            patience=config.plateau_patience,
            min_delta=stopping.min_delta,
        )


class StopInTime(keras.callbacks.Callback):
    """Stops training before an epoch that would probably end after the time limit.

    Args:
        minutes: Time limit of training.
        before: Seconds of training by earlier processes of the run.
        epochs: Number of the last epoch.
    """

    def __init__(self, minutes: float, before: float, epochs: int) -> None:
        super().__init__()
        self._seconds, self._epochs = minutes * 60 - before, epochs

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()
        self._epoch_start: float | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stops training if another epoch of the same duration does not fit."""
        now = time.monotonic()
        # The first epoch includes compilation, so that its duration says little of the next.
        expected = 0.0 if self._epoch_start is None else now - self._epoch_start
        self._epoch_start = now
        ends_anyway = self.model.stop_training or epoch + 1 == self._epochs
        if now + expected > self._start + self._seconds and not ends_anyway:
            self.model.stop_training = True
            log.info("stopped after epoch %d: fit.max_minutes leaves no time for another", epoch + 1)


class Averages(keras.callbacks.Callback):
    """Swaps in the weights' moving averages while an epoch is scored; must be the last of the callbacks.

    Validation, early stopping and the best weights then use the averages (Polyak and Juditsky 1992). At the end of
    training Keras's optimizer leaves them in the model.
    """

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Swaps the averages in before validation."""
        self._swap()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Swaps the weights back after all other callbacks have seen the averages."""
        self._swap()

    def _swap(self) -> None:
        averages = self.model.optimizer._model_variables_moving_average
        for variable, average in zip(self.model.trainable_variables, averages, strict=True):
            current = keras.ops.copy(variable.value)
            variable.assign(average)
            average.assign(current)


class Interrupts(keras.callbacks.Callback):
    """Ends training at a signal, once the current call has returned."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Raises a pending signal after each call of training steps."""
        signals.check()

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Raises a pending signal before each call of validation steps: Keras runs the hook after it in a thread."""
        signals.check()


class StopAtNaN(keras.callbacks.Callback):
    """Ends the run with an error if the training loss is not finite.

    Args:
        penalty: L1 and L2 penalty of the weights before the first step.
    """

    def __init__(self, penalty: float) -> None:
        super().__init__()
        self._penalty = penalty

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Checks the epoch's mean loss, which a single bad batch makes NaN."""
        loss = (logs or {})["loss"]
        if math.isfinite(loss):
            return
        if self._penalty < LARGE_PENALTY:
            remedy = (
                "try a smaller fit.learning_rate, fit.clip_norm=1, data.clip=10, or data.input_scaling=standard and "
                "data.output_scaling=standard"
            )
        else:
            remedy = (
                f"the penalty of the weights was {self._penalty:.3g} before the first step; try smaller penalties: "
                "model.l2, and with model=dense model.l1"
            )
        raise TrainingError(f"the training loss became {loss} in epoch {epoch + 1}; {remedy}")


class Report(keras.callbacks.Callback):
    """Reports each epoch's values: losses, metrics, learning rate and seconds."""

    def __init__(self, report: Callable[[int, dict[str, float]], None]) -> None:
        super().__init__()
        self._report = report
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Reports the epoch, counted from 1."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        values["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        values["seconds"] = time.perf_counter() - self._start
        self._report(epoch + 1, values)


class ProgressBar(keras.callbacks.Callback):
    """A progress bar with the remaining time, for a terminal; it also advances within long epochs."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Draws the empty bar."""
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.total:.0f}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=5)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[values]}", table_column=Column(no_wrap=True)),
            expand=True,
            transient=not log.isEnabledFor(logging.INFO),  # one of many trainings leaves a line in the log instead
        )
        self._task = self._bar.add_task("fit", total=self.params["epochs"], epoch=0, values="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remembers the number of the epoch."""
        self._epoch, self._moved = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Advances the bar within an epoch, at most every BAR_SECONDS."""
        if time.monotonic() - self._moved > BAR_SECONDS:
            self._moved = time.monotonic()
            self._bar.update(self._task, completed=self._epoch + (batch + 1) / self.params["steps"])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Advances the bar to the end of the epoch, and shows its values."""
        self._bar.update(self._task, completed=epoch + 1, epoch=epoch + 1, values=_line(logs, ("loss", "val_loss")))

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Leaves the bar on the screen, marked if training stopped early."""
        if self.model.stop_training:
            (task,) = self._bar.tasks
            self._bar.update(self._task, values=f"{task.fields['values']}  stopped early")
        self.close()

    def close(self) -> None:
        """Restores the terminal, also after an error."""
        self._bar.stop()


class ProgressLines(keras.callbacks.Callback):
    """One log line per epoch, and one every LINE_SECONDS within a long epoch.

    One of many trainings, as in a sweep, logs only every LINE_SECONDS.
    """

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._last_line = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remembers the number of the epoch."""
        self._epoch, self._written = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the progress of a long epoch."""
        if time.monotonic() - self._written > LINE_SECONDS:
            self._written = time.monotonic()
            steps = self.params["steps"]
            log.info("epoch %d, step %d/%d  %s", self._epoch + 1, batch + 1, steps, _line(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the values of the epoch."""
        said = log
        if not log.isEnabledFor(logging.INFO):
            if time.monotonic() - self._last_line < LINE_SECONDS:
                return
            said, self._last_line = of_many, time.monotonic()
        said.info("epoch %d/%d  %s", epoch + 1, self.params["epochs"], _line(logs))

    def close(self) -> None:
        """Does nothing: lines leave the terminal as it was."""


def progress() -> ProgressBar | ProgressLines:
    """Returns a bar for a terminal, or lines for a file."""
    return ProgressBar() if Console().is_terminal else ProgressLines()


def _line(logs: dict[str, Any] | None, names: Sequence[str] = ()) -> str:
    """Formats the values of the given names, or all: each next to its validation counterpart, the loss first."""
    logs = logs or {}
    order = sorted(logs, key=lambda name: (name.removeprefix("val_") != "loss", name.removeprefix("val_"), name))
    return "  ".join(f"{name} {logs[name]:.4g}" for name in names or order if name != "learning_rate")
