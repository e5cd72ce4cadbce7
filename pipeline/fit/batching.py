"""How the training rows reach the device: all at once if they fit, else in device batches that are read ahead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
import tensorflow as tf
from tensorflow.python.client import device_lib

from pipeline.fit.device_batch import DeviceBatch, Rows, place
from pipeline.fit.disk_batching import FromDisk, OnDisk
from pipeline.fit.steps import Steps

log = logging.getLogger(__name__)

DEVICE_BATCH_BYTES = 2**26
SHARE_OF_MEMORY = 0.5  # of the free memory, for the training rows


class ResidentRows:
    """Rows that stay on the device; an epoch sends only a permutation of the row numbers.

    Args:
        rows: Inputs, targets and weights of the training rows.
        steps: How an epoch is divided into steps.
    """

    def __init__(self, rows: Rows, steps: Steps) -> None:
        self._rows = place(rows)
        self._n_rows = len(rows[0])
        self._steps = steps

    def device_batches(self, generator: np.random.Generator) -> Iterator[DeviceBatch]:
        """Yields the full batches of an epoch, then the last batch as one step if its size differs."""
        order = _order(self._n_rows, generator)
        full, last = np.split(order, [self._steps.n_rows_of_full])
        if len(full):
            yield DeviceBatch(self._rows, tf.constant(full.reshape(-1, self._steps.n_batch)), self._steps.n_full)
        if len(last):
            yield DeviceBatch(self._rows, tf.constant(last[None]), 1, is_last=True)


class StreamedRows:
    """Rows that stay in host memory; the next device batch is sent while the device computes on the current one.

    Args:
        rows: Inputs, targets and weights of the training rows.
        steps: How an epoch is divided into steps.
        device_batch_bytes: Maximum size of the rows sent at once.
    """

    def __init__(self, rows: Rows, steps: Steps, device_batch_bytes: int) -> None:
        self._rows = rows
        self._steps = steps
        bytes_per_batch = _bytes(rows) / len(rows[0]) * steps.n_batch
        n_per_device_batch = max(1, min(steps.n_full, int(device_batch_bytes / bytes_per_batch)))
        self._numbers = np.arange(n_per_device_batch * steps.n_batch, dtype=np.int32).reshape(-1, steps.n_batch)

    def device_batches(self, generator: np.random.Generator) -> Iterator[DeviceBatch]:
        """Yields the full batches in device batches of one shape, then the last batch if its size differs."""
        full, last = np.split(_order(len(self._rows[0]), generator), [self._steps.n_rows_of_full])
        size = self._numbers.size
        parts = [full[start : start + size] for start in range(0, len(full), size)]
        if len(last):
            parts.append(last)
        with ThreadPoolExecutor(1, "read_ahead") as reader:
            ahead = reader.submit(self._read, parts[0])
            for following in [*parts[1:], None]:
                device_batch = ahead.result()
                if following is not None:
                    ahead = reader.submit(self._read, following)
                yield device_batch

    def _read(self, chosen: np.ndarray) -> DeviceBatch:
        """Pads a shorter last device batch with its first rows, which no step uses, to keep the shape."""
        is_last = len(chosen) == self._steps.n_last
        numbers = np.arange(len(chosen), dtype=np.int32)[None] if is_last else self._numbers
        n_steps = 1 if is_last else len(chosen) // self._steps.n_batch
        x, y, weight = self._rows
        filled = np.resize(chosen, numbers.size)
        read = x[filled], y[filled], None if weight is None else weight[filled]
        return DeviceBatch(place(read), tf.constant(numbers), n_steps, is_last)


def row_source(rows: Rows, steps: Steps) -> ResidentRows | StreamedRows | FromDisk:
    """Chooses how rows reach the device, by where they are, their size and the free memory of the device.

    Args:
        rows: In memory or on disk.
        steps: Steps of an epoch.
    """
    if isinstance(rows[0], OnDisk):
        return FromDisk(rows, steps)
    needed, free = _bytes(rows), SHARE_OF_MEMORY * _free_bytes()
    if needed <= free:
        return ResidentRows(rows, steps)
    log.info(
        "training rows take %.1f GB, and the device has %.1f GB for them: they are sent in device batches",
        needed / 1e9,
        free / 1e9,
    )
    return StreamedRows(rows, steps, DEVICE_BATCH_BYTES)


def batches(rows: Rows, steps: Steps, order: Callable[[], np.random.Generator]) -> tf.data.Dataset:
    """Returns batches that are reshuffled at each iteration, for Keras's own `fit`, which does one step per call.

    Args:
        rows: In memory or on disk.
        steps: Steps of an epoch.
        order: Returns the generator that shuffles the rows; called at each iteration.
    """
    if isinstance(rows[0], OnDisk):
        source = FromDisk(rows, steps)
        return _dataset(lambda: _from_pieces(source.device_batches(order())), rows, steps.count)
    with tf.device("CPU:0"):  # tf.data runs on the CPU
        x, y, weight = place(rows)
    present = [part for part in (x, y, weight) if part is not None]

    def divided(numbers: tf.Tensor) -> tf.data.Dataset:
        n = steps.n_rows_of_full
        full = tf.data.Dataset.from_tensor_slices(numbers[:n]).batch(steps.n_batch)
        return full.concatenate(tf.data.Dataset.from_tensors(numbers[n:])) if steps.n_last else full

    orders = tf.data.Dataset.from_generator(
        lambda: [_order(len(rows[0]), order())], output_signature=tf.TensorSpec((len(rows[0]),), tf.int32)
    )
    found = orders.flat_map(divided).map(lambda numbers: tuple(tf.gather(part, numbers) for part in present))
    return _counted(found, steps.count)


def _from_pieces(device_batches: Iterator[DeviceBatch]) -> Iterator[tuple[tf.Tensor, ...]]:
    for device_batch in device_batches:
        for step in range(device_batch.n_steps):
            yield tuple(tf.gather(part, device_batch.numbers[step]) for part in device_batch.rows if part is not None)


def batches_in_order(rows: Rows, n_batch: int) -> tf.data.Dataset:
    """Returns consecutive rows in batches, for validation.

    Args:
        rows: In memory or on disk.
        n_batch: Rows per batch.
    """

    def consecutive() -> Iterator[tuple[np.ndarray, ...]]:
        for start in range(0, len(rows[0]), n_batch):
            yield tuple(part[start : start + n_batch] for part in rows if part is not None)

    # Keras warns at the end of an epoch if it does not know the number of batches.
    return _dataset(consecutive, rows, -(-len(rows[0]) // n_batch))


def _dataset(generate: Callable[[], Iterator[Any]], rows: Rows, n_batches: int) -> tf.data.Dataset:
    specs = tuple(tf.TensorSpec((None, *part[:1].shape[1:])) for part in rows if part is not None)
    return _counted(tf.data.Dataset.from_generator(generate, output_signature=specs), n_batches)


def _counted(dataset: tf.data.Dataset, n_batches: int) -> tf.data.Dataset:
    return dataset.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(2)


def _bytes(rows: Rows) -> int:
    return sum(part.nbytes for part in rows if part is not None)


def _free_bytes() -> int:
    gpus = [device for device in device_lib.list_local_devices() if device.device_type == "GPU"]
    if not gpus:
        return psutil.virtual_memory().available
    used = tf.config.experimental.get_memory_info("GPU:0")["current"]
    return gpus[0].memory_limit - used


def _order(n_rows: int, generator: np.random.Generator) -> np.ndarray:
    return generator.permutation(n_rows).astype(np.int32)
