"""Values of epochs on their way to the store, at a cost that short epochs can bear."""

import gc
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import mlflow
from mlflow.entities import Metric, RunTag

PLAIN = ("loss", "val_loss", "learning_rate")  # the others are `epoch_*`: MLflow shows a metric's highest step
FLUSH_SECONDS = 2.0  # between writes: each costs milliseconds, as short epochs do


class Epochs:
    """Keeps values back and writes many at once, in a thread, while TensorFlow goes on.

    Of a learning rate that stays the same only the ends are written: a chart draws the line between them.

    Args:
        run_id: Whose epochs they are.
        logged: Of each metric the last step that the store has already.
    """

    def __init__(self, run_id: str, logged: Mapping[str, int]) -> None:
        self._run_id, self._logged = run_id, logged
        self._client = mlflow.MlflowClient()
        self._pending: list[Metric] = []
        self._rate: Metric | None = None  # the last one, where it is not pending yet
        self._last_rate: float | None = None
        self._flushed = time.monotonic()
        self._writer = ThreadPoolExecutor(1, "metrics")
        self._writing: Future[None] | None = None

    def log(self, epoch: int, values: Mapping[str, float]) -> None:
        """Takes an epoch's values, and has them written from time to time."""
        now = int(time.time() * 1000)
        for name, value in values.items():
            metric = Metric(name if name in PLAIN else f"epoch_{name}", value, now, epoch)
            if name == "learning_rate" and value == self._last_rate:
                self._rate = metric
                continue
            if name == "learning_rate":
                self._end_rate()
                self._last_rate = value
            self._pending.append(metric)
        if time.monotonic() - self._flushed > FLUSH_SECONDS and (self._writing is None or self._writing.done()):
            self._wait()
            self._writing = self._writer.submit(self._write, self._pending)
            self._pending, self._flushed = [], time.monotonic()

    def flush(self) -> None:
        """Writes what is still kept back."""
        self._wait()
        self._end_rate()
        self._write(self._pending)
        self._pending, self._flushed = [], time.monotonic()

    def close(self) -> None:
        """Ends the thread that writes."""
        self._writer.shutdown()

    def _end_rate(self) -> None:
        if self._rate is not None:
            self._pending.append(self._rate)
            self._rate = None

    def _wait(self) -> None:
        """Waits for what is being written, and raises what went wrong with it."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _write(self, metrics: list[Metric]) -> None:
        metrics = [metric for metric in metrics if metric.step > self._logged.get(metric.key, -1)]
        collects = gc.isenabled()
        gc.disable()  # the collector would look through MLflow's objects again and again: a third of the time
        try:
            for start in range(0, len(metrics), 1000):  # MLflow's limit of a batch
                alive = [RunTag("alive_at", f"{time.time():.0f}")]  # what a look at it from another machine needs
                self._client.log_batch(self._run_id, metrics=metrics[start : start + 1000], tags=alive)
        finally:
            if collects:
                gc.enable()
