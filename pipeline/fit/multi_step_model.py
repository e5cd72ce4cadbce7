"""Many minibatches per call: the steps of an epoch as one loop inside the graph, compiled by XLA or not.

Networks for tables are small: stock Keras spends most of an epoch between steps, fetching the next batch and calling
the next function. Here the rows are on the device, a call gets the row numbers of many batches, and the loop over them
runs in the graph. Each step is Keras's own `train_step`, and the callbacks are Keras's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.batching import row_source
from pipeline.fit.device_batch import DeviceBatch, Placed, Rows, place
from pipeline.fit.disk_batching import OnDisk, in_order
from pipeline.fit.epoch_randomness import begin_epoch, generators, order_of
from pipeline.fit.member_losses import ByMember
from pipeline.fit.steps import steps_of
from pipeline.fit.variable_clone import drawing_with

CALL_SECONDS = 0.5  # a call takes this to twice this: progress is shown and Ctrl-C handled between calls
VALIDATION_ROWS = 4096  # per step: without gradients, larger steps than in training are faster

Logs = dict[str, float]


class MultiStepModel(ByMember):
    """A model whose `fit` does many steps per call.

    `fit` takes arrays and callbacks as Keras's own does. Each epoch uses every row once, in the batches of `steps_of`.
    """

    def prepare(self, compiled: bool) -> None:
        """Makes the functions that do the steps; call it after `compile`."""
        self.optimizer.build(self.trainable_variables)
        self._steps_per_call = 1

        def compiled_steps(*args: Any) -> Any:
            with drawing_with("threefry"):
                return self._steps(*args)

        graph = tf.function(self._steps, autograph=False, reduce_retracing=True)
        # The single step for a last batch of another size is not worth compiling.
        self._run_last = graph
        self._run_steps = tf.function(compiled_steps, autograph=False, jit_compile=True) if compiled else graph
        self._validate_first = tf.function(self._first_validation_steps, autograph=False, reduce_retracing=True)
        self._validate_more = tf.function(self._validation_steps, autograph=False, reduce_retracing=True)
        # One call instead of one per variable.
        self._begin_epoch = tf.function(self._reset_for_epoch, autograph=False)

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        batch_size: int,
        epochs: int,
        validation_data: Sequence[np.ndarray],
        callbacks: list[keras.callbacks.Callback],
        seed: int,
        initial_epoch: int = 0,
    ) -> keras.callbacks.History:
        """Trains as Keras's `fit` does.

        Args:
            x: `(n_rows, n_inputs)`.
            y: `(n_rows, n_outputs)`.
            sample_weight: `(n_rows,)`, or None.
            batch_size: Rows per step.
            epochs: Number of the last epoch, from 1.
            validation_data: Inputs, targets and, optionally, weights.
            callbacks: Called as by Keras.
            seed: Seed of the order of the rows, which differs in each epoch.
            initial_epoch: Number of epochs already trained.
        """
        rows: Rows = x, y, sample_weight
        val = _three(validation_data)
        self._symbolic_build(data_batch=tuple(None if part is None else part[:1] for part in rows))
        steps = steps_of(len(x), batch_size, self)
        source = row_source(rows, steps)
        val_pieces = _again_and_again(val)
        calls = keras.callbacks.CallbackList(callbacks, add_history=True, model=self, epochs=epochs, steps=steps.count)
        self.stop_training = False
        logs: Logs = {}
        calls.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self._begin_epoch()
            calls.on_epoch_begin(epoch)
            logs = self._train_epoch(source.device_batches(order_of(seed, epoch)), calls)
            logs |= {f"val_{name}": value for name, value in self._score(val_pieces(), calls).items()}
            calls.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        self.optimizer.finalize_variable_values(self.trainable_weights)
        calls.on_train_end(logs)
        return self.history

    def _reset_for_epoch(self) -> None:
        self.reset_metrics()
        begin_epoch(generators(self))

    def _train_epoch(self, device_batches: Any, calls: keras.callbacks.CallbackList) -> Logs:
        """Does all steps of an epoch, in calls of about CALL_SECONDS."""
        done, logs = 0, {}
        for device_batch in device_batches:
            start = 0
            while start < device_batch.n_steps:
                stop = min(start + self._steps_per_call, device_batch.n_steps)
                calls.on_train_batch_begin(done)
                logs = self._timed_call(device_batch, start, stop)
                done += stop - start
                calls.on_train_batch_end(done - 1, logs)
                start = stop
        return logs

    def _timed_call(self, device_batch: DeviceBatch, start: int, stop: int) -> Logs:
        """Does one call, and doubles the steps of the next if it was short; the first, which compiles, has one step."""
        run = self._run_last if device_batch.is_last else self._run_steps
        began = time.perf_counter()
        steps = (tf.constant(number) for number in (device_batch.n_steps, start, stop))
        logs = _numbers(run(*device_batch.rows, device_batch.numbers, *steps))
        if stop - start == self._steps_per_call and time.perf_counter() - began < CALL_SECONDS:
            self._steps_per_call *= 2
        return logs

    def _score(self, device_batches: Iterable[Placed], calls: keras.callbacks.CallbackList) -> Logs:
        calls.on_test_begin()
        validate = self._validate_first
        for number, rows in enumerate(device_batches):
            calls.on_test_batch_begin(number)
            found = validate(*rows)
            validate = self._validate_more
        logs = _numbers(found)
        calls.on_test_end(logs)
        return logs

    def _steps(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        weight: tf.Tensor | None,
        numbers: tf.Tensor,
        n_steps: tf.Tensor,
        start: tf.Tensor,
        stop: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Does training steps `start` to `stop` of the first `n_steps` rows of `numbers`, each of which is a batch."""

        def body(position: tf.Tensor) -> tuple[tf.Tensor]:
            self.train_step(_taken((x, y, weight), self.rows_of_step(numbers, n_steps, position)))
            return (position + 1,)

        tf.while_loop(lambda position: position < stop, body, (start,), parallel_iterations=1)
        return self.get_metrics_result()

    def _first_validation_steps(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None) -> dict[str, tf.Tensor]:
        self.reset_metrics()
        return self._validation_steps(x, y, weight)

    def _validation_steps(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None) -> dict[str, tf.Tensor]:
        """Does test steps over consecutive rows, and returns the metrics of all rows so far."""

        def body(start: tf.Tensor) -> tuple[tf.Tensor]:
            rows = slice(start, start + VALIDATION_ROWS)
            self.test_step((x[rows], y[rows], None if weight is None else weight[rows]))
            return (start + VALIDATION_ROWS,)

        tf.while_loop(lambda start: start < tf.shape(x)[0], body, (0,), parallel_iterations=1)
        return self.get_metrics_result()


def _taken(rows: Placed, numbers: tf.Tensor) -> Placed:
    x, y, weight = rows
    return tf.gather(x, numbers), tf.gather(y, numbers), None if weight is None else tf.gather(weight, numbers)


def _again_and_again(rows: Rows) -> Callable[[], Iterable[Placed]]:
    """Returns a function that iterates over the rows on the device; rows on disk are read again each time."""
    if isinstance(rows[0], OnDisk):
        return lambda: in_order(rows)
    placed = [place(rows)]
    return lambda: placed


def _three(given: Sequence[np.ndarray]) -> Rows:
    return given[0], given[1], given[2] if len(given) == 3 else None


def _numbers(logs: dict[str, tf.Tensor]) -> Logs:
    return {name: float(value) for name, value in logs.items()}
