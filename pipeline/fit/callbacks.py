"""What happens between epochs: stopping early, stopping at NaN, reporting and showing progress."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from pipeline.config.rules import EarlyStopping, Fit
from pipeline.errors import TrainingError
from pipeline.runtime import signals

log = logging.getLogger(__name__)
of_many = logging.getLogger("pipeline.fit.of_many")  # for signs of life where `log` is quiet

BAR_SECONDS = 0.2  # between two moves of the bar within an epoch
LARGE_PENALTY = 1e4  # of weights that are not trained yet, far above any other loss
LINE_SECONDS = 20.0  # between two lines within an epoch, or in one of many trainings


def direction_of(monitor: str) -> str:
    """`max` for accuracy, `min` for losses and errors."""
    return "max" if monitor.endswith("accuracy") else "min"


class BestWeights(keras.callbacks.EarlyStopping):
    """Early stopping (Prechelt 1998) that brings the best weights back, whether it stopped or the epochs ran out.

    Keras keeps a NaN that comes first as the best value for ever; here a value that is not finite is the worst.
    """

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
        """The monitored value of this epoch."""
        value = super().get_monitor_value(logs)
        return value if math.isfinite(value) else math.inf if self.mode == "min" else -math.inf


def plateau(config: Fit) -> Iterator[keras.callbacks.ReduceLROnPlateau]:
    """What lowers the learning rate where nothing improves any more, if that is asked for."""
    stopping = config.early_stopping
    if config.schedule == "reduce_on_plateau":
        yield keras.callbacks.ReduceLROnPlateau(
            monitor=stopping.monitor,
            mode=direction_of(stopping.monitor),
            factor=config.plateau_factor,
            patience=config.plateau_patience,
            min_delta=stopping.min_delta,
        )


class StopInTime(keras.callbacks.Callback):
    """Begins no epoch that would probably end after the given time.

    Args:
        minutes: From the beginning of training.
        before: Seconds of them that were over before this process began.
    """

    def __init__(self, minutes: float, before: float) -> None:
        super().__init__()
        self._seconds = minutes * 60 - before

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = self._epoch_start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Looks whether another epoch as long as this one fits."""
        now = time.monotonic()
        if now + (now - self._epoch_start) > self._start + self._seconds:
            self.model.stop_training = True
            log.info("stopped after epoch %d: fit.max_minutes leaves no time for another", epoch + 1)
        self._epoch_start = now


class Averages(keras.callbacks.Callback):
    """Puts the weights' moving averages in their place while an epoch is scored; to be the last of the callbacks.

    So validation, early stopping and the best weights are the averages' (Polyak and Juditsky 1992). At the end of
    training Keras's optimizer leaves them in the model.
    """

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before validation."""
        self._swap()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """After all others have seen the epoch's weights."""
        self._swap()

    def _swap(self) -> None:
        averages = self.model.optimizer._model_variables_moving_average
        for variable, average in zip(self.model.trainable_variables, averages, strict=True):
            current = keras.ops.copy(variable.value)
            variable.assign(average)
            average.assign(current)


class Interrupts(keras.callbacks.Callback):
    """Ends training where a signal came, which waits until the call at hand has ended."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After each call of training steps."""
        signals.check()

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before each call of validation steps; Keras moves what comes after one to a thread."""
        signals.check()


class StopAtNaN(keras.callbacks.Callback):
    """Ends the run with an error when the training loss is no number any more.

    Args:
        penalty: That weights have by `model.l1` and `model.l2` before the first step.
    """

    def __init__(self, penalty: float) -> None:
        super().__init__()
        self._penalty = penalty

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at the epoch's mean loss, which one bad batch is enough to spoil."""
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
                f"the penalty of the weights was {self._penalty:.3g} before the first step; try a smaller model.l1 "
                "and model.l2"
            )
        raise TrainingError(f"the training loss became {loss} in epoch {epoch + 1}; {remedy}")


class Report(keras.callbacks.Callback):
    """Hands over each epoch's values: losses, metrics, the learning rate and the seconds it took."""

    def __init__(self, report: Callable[[int, dict[str, float]], None]) -> None:
        super().__init__()
        self._report = report
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Reports; epochs count from 1."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        values["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        values["seconds"] = time.perf_counter() - self._start
        self._report(epoch + 1, values)


class ProgressBar(keras.callbacks.Callback):
    """A bar with the time left, for a terminal; it moves within long epochs too."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Draws the empty bar."""
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.total:.0f}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=5)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[values]}", table_column=Column(no_wrap=True)),
            expand=True,
            transient=not log.isEnabledFor(logging.INFO),  # one of many trainings, of which a line tells then
        )
        self._task = self._bar.add_task("fit", total=self.params["epochs"], epoch=0, values="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes which epoch it is."""
        self._epoch, self._moved = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Moves the bar a part of an epoch, from time to time."""
        if time.monotonic() - self._moved > BAR_SECONDS:
            self._moved = time.monotonic()
            self._bar.update(self._task, completed=self._epoch + (batch + 1) / self.params["steps"])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Moves the bar."""
        self._bar.update(self._task, completed=epoch + 1, epoch=epoch + 1, values=_line(logs, ("loss", "val_loss")))

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Leaves the bar as it is, with a word where it has not come to its end."""
        if self.model.stop_training:
            (task,) = self._bar.tasks
            self._bar.update(self._task, values=f"{task.fields['values']}  stopped early")
        self.close()

    def close(self) -> None:
        """Gives the terminal back, also after an error."""
        self._bar.stop()


class ProgressLines(keras.callbacks.Callback):
    """A plain line per epoch, for a log file, and within long epochs one from time to time.

    Of one of many trainings, as in a sweep, only a long one has lines, from time to time.
    """

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Notes when it began."""
        self._told = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes which epoch it is."""
        self._epoch, self._written = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Writes how far a long epoch is."""
        if time.monotonic() - self._written > LINE_SECONDS:
            self._written = time.monotonic()
            steps = self.params["steps"]
            log.info("epoch %d, step %d/%d  %s", self._epoch + 1, batch + 1, steps, _line(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the line."""
        said = log
        if not log.isEnabledFor(logging.INFO):
            if time.monotonic() - self._told < LINE_SECONDS:
                return
            said, self._told = of_many, time.monotonic()
        said.info("epoch %d/%d  %s", epoch + 1, self.params["epochs"], _line(logs))

    def close(self) -> None:
        """Nothing to give back."""


def progress() -> ProgressBar | ProgressLines:
    """The display that suits where the output goes."""
    return ProgressBar() if Console().is_terminal else ProgressLines()


def _line(logs: dict[str, Any] | None, names: Sequence[str] = ()) -> str:
    """The values of the given names, or all: each beside its validation counterpart, the loss first."""
    logs = logs or {}
    order = sorted(logs, key=lambda name: (name.removeprefix("val_") != "loss", name.removeprefix("val_"), name))
    return "  ".join(f"{name} {logs[name]:.4g}" for name in names or order if name != "learning_rate")
