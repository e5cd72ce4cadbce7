"""Many minibatches per call: the steps of an epoch as one loop inside the graph, compiled by XLA or not.

Networks on tables are small: stock Keras spends most of an epoch between its steps, fetching the next batch and
calling the next function. Here the rows lie on the device, and a call gets the numbers of the rows of many batches; the
loop over them runs where the arithmetic does. Each step is Keras's own `train_step`, and so are the callbacks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.fit.batching import feed
from pipeline.fit.device_batch import DeviceBatch, Placed, Rows, place
from pipeline.fit.disk_batching import OnDisk, in_order
from pipeline.fit.epoch_randomness import begin_epoch, generators, order_of
from pipeline.fit.member_losses import ByMember
from pipeline.fit.steps import steps_of
from pipeline.fit.variable_clone import drawing_with

CALL_SECONDS = 0.5  # that a call is to take at least, and at most twice that: between calls what is shown moves on, and
# Ctrl-C is heard
VALIDATION_ROWS = 4096  # per step: no gradients are kept, so larger steps than in training are faster

Logs = dict[str, float]


class MultiStepModel(ByMember):
    """A model whose `fit` does many steps per call.

    It takes arrays and callbacks as Keras's own does. Every row is used once an epoch, in the batches that `steps_of`
    makes.
    """

    def prepare(self, compiled: bool) -> None:
        """Makes the functions that do the steps; to be called after `compile`."""
        self.optimizer.build(self.trainable_variables)
        self._steps_per_call = 1

        def compiled_steps(*args: Any) -> Any:
            with drawing_with("threefry"):
                return self._steps(*args)

        graph = tf.function(self._steps, autograph=False, reduce_retracing=True)
        # The one step of an epoch whose batch has another size is not worth compiling.
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
        """Trains; `seed` is that of the order of the rows, which is another in each epoch."""
        rows: Rows = x, y, sample_weight
        val = _three(validation_data)
        self._symbolic_build(data_batch=tuple(None if part is None else part[:1] for part in rows))
        steps = steps_of(len(x), batch_size, self)
        source = feed(rows, steps)
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
        """All steps of an epoch, in as few calls as CALL_SECONDS asks for."""
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
        """One call. A short one of full length makes the next longer; so the first, which compiles, is of one step."""
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
        """Ordinary training steps: one for each row of the first `n_steps` of `numbers` from `start` to `stop`."""

        def body(position: tf.Tensor) -> tuple[tf.Tensor]:
            self.train_step(_taken((x, y, weight), self.rows_of_step(numbers, n_steps, position)))
            return (position + 1,)

        tf.while_loop(lambda position: position < stop, body, (start,), parallel_iterations=1)
        return self.get_metrics_result()

    def _first_validation_steps(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None) -> dict[str, tf.Tensor]:
        self.reset_metrics()
        return self._validation_steps(x, y, weight)

    def _validation_steps(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None) -> dict[str, tf.Tensor]:
        """Ordinary test steps over consecutive rows, and what all up to here come to."""

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
    """The rows on the device, each time they are asked for: they stay there, unless they are read from disk."""
    if isinstance(rows[0], OnDisk):
        return lambda: in_order(rows)
    placed = [place(rows)]
    return lambda: placed


def _three(given: Sequence[np.ndarray]) -> Rows:
    return given[0], given[1], given[2] if len(given) == 3 else None


def _numbers(logs: dict[str, tf.Tensor]) -> Logs:
    return {name: float(value) for name, value in logs.items()}
