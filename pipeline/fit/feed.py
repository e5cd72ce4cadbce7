"""How the training rows reach the device: all at once where they fit, else piece by piece, read ahead."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import tensorflow as tf
from tensorflow.python.client import device_lib

from pipeline.fit.disk import FromDisk, OnDisk
from pipeline.fit.pieces import Piece, Rows, place

log = logging.getLogger(__name__)

PIECE_BYTES = 2**26
SHARE_OF_MEMORY = 0.5  # of what is free, for the training rows


class Resident:
    """The rows lie on the device once; an epoch is an order of their numbers."""

    def __init__(self, rows: Rows, n_batch: int) -> None:
        self._rows = place(rows)
        self._n_rows = len(rows[0])
        self._n_batch = n_batch

    def pieces(self, generator: np.random.Generator) -> Iterator[Piece]:
        """The full batches of an epoch, and as a piece of one step what is left."""
        order = _order(self._n_rows, generator)
        n_full = len(order) - len(order) % self._n_batch
        numbers = order[:n_full].reshape(-1, self._n_batch)
        yield Piece(self._rows, tf.constant(numbers), len(numbers))
        if n_full < len(order):
            yield Piece(self._rows, tf.constant(order[None, n_full:]), 1, is_rest=True)


class Streamed:
    """The rows stay with the host; the next piece is gathered and sent while the device computes on this one."""

    def __init__(self, rows: Rows, n_batch: int, piece_bytes: int) -> None:
        self._rows = rows
        self._n_batch = n_batch
        bytes_per_batch = _bytes(rows) / len(rows[0]) * n_batch
        n_full = len(rows[0]) // n_batch
        self._n_steps = max(1, min(n_full, int(piece_bytes / bytes_per_batch)))
        self._numbers = np.arange(self._n_steps * n_batch, dtype=np.int32).reshape(-1, n_batch)

    def pieces(self, generator: np.random.Generator) -> Iterator[Piece]:
        """The full batches of an epoch in pieces of one shape, and as a piece of one step what is left."""
        order = _order(len(self._rows[0]), generator)
        n_full = len(order) - len(order) % self._n_batch
        size = self._n_steps * self._n_batch
        parts = [order[start : min(start + size, n_full)] for start in range(0, n_full, size)]
        if n_full < len(order):
            parts.append(order[n_full:])
        with ThreadPoolExecutor(1, "read_ahead") as reader:
            ahead = reader.submit(self._read, parts[0])
            for following in [*parts[1:], None]:
                piece = ahead.result()
                if following is not None:
                    ahead = reader.submit(self._read, following)
                yield piece

    def _read(self, chosen: np.ndarray) -> Piece:
        """A last piece that is shorter is filled up with its first rows, which no step takes: its shape stays."""
        is_rest = len(chosen) < self._n_batch
        numbers = np.arange(len(chosen), dtype=np.int32)[None] if is_rest else self._numbers
        n_steps = -(-len(chosen) // self._n_batch)
        x, y, weight = self._rows
        filled = np.resize(chosen, numbers.size)
        read = x[filled], y[filled], None if weight is None else weight[filled]
        return Piece(place(read), tf.constant(numbers), n_steps, is_rest)


def feed(rows: Rows, n_batch: int) -> Resident | Streamed | FromDisk:
    """What suits the place and the size of the rows, and the memory of the device."""
    if isinstance(rows[0], OnDisk):
        return FromDisk(rows, n_batch)
    needed, free = _bytes(rows), SHARE_OF_MEMORY * _free_bytes()
    if needed <= free:
        return Resident(rows, n_batch)
    log.info(
        "%.1f GB of training rows, %.1f GB for them on the device: they are sent in pieces", needed / 1e9, free / 1e9
    )
    return Streamed(rows, n_batch, PIECE_BYTES)


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
