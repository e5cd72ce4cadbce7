"""Training rows on disk: segments in a new order each epoch, shuffled within a device batch and read ahead."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, runtime_checkable

import numpy as np
import tensorflow as tf

from pipeline.errors import ConfigError
from pipeline.fit.device_batch import DeviceBatch, Rows, place
from pipeline.fit.steps import Steps

MAX_DEVICE_BATCHES = 4  # largest batch, in multiples of device_batch_bytes
SEGMENT_ROWS = 1024  # rows per read: long enough for sequential speed, short enough to mix rows of many places


@runtime_checkable
class OnDisk(Protocol):
    """float32 rows on disk, indexed by row number."""

    device_batch_bytes: int  # bytes of rows to hold in memory at a time

    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice) -> np.ndarray:
        """Reads consecutive rows."""

    def read_into(self, out: np.ndarray, start: int) -> None:
        """Reads consecutive rows into an array.

        Args:
            out: `(n_rows, ...)`, float32; filled completely.
            start: Number of the first row.
        """


class FromDisk:
    """Device batches of one shape, each made of segments from the whole file.

    An epoch uses every row once. The offset of the segments is random in each epoch, and so are the few rows left over.

    Args:
        rows: Inputs, targets and weights of the training rows, on disk.
        steps: How an epoch is divided into steps.
    """

    def __init__(self, rows: Rows, steps: Steps) -> None:
        self._rows = rows
        self._steps, n_batch = steps, steps.n_batch
        self._segment = max(1, SEGMENT_ROWS // n_batch) * n_batch
        self._n_segments = steps.n_rows_of_full // self._segment
        bytes_per_row = sum(row[:1].nbytes for row in rows if row is not None)
        if n_batch * bytes_per_row > MAX_DEVICE_BATCHES * rows[0].device_batch_bytes:
            raise ConfigError(
                f"fit.batch_size: {n_batch} rows of {bytes_per_row} bytes do not fit in data.memory_budget; at most "
                f"{MAX_DEVICE_BATCHES * rows[0].device_batch_bytes // bytes_per_row} do"
            )
        fitting = rows[0].device_batch_bytes // (bytes_per_row * self._segment)
        self._per_piece = max(1, min(self._n_segments, fitting))

    def device_batches(self, generator: np.random.Generator) -> Iterator[DeviceBatch]:
        """Yields all rows once; the next device batch is read while the device computes on the current one."""
        n_rows = len(self._rows[0])
        n_left = n_rows - self._n_segments * self._segment
        offset = int(generator.integers(n_left + 1))
        order = offset + self._segment * generator.permutation(self._n_segments)
        parts = [self._spans(order[i : i + self._per_piece]) for i in range(0, len(order), self._per_piece)]
        # The rows before the first segment and after the last: their full batches, then the smaller last batch.
        left = np.r_[0:offset, n_rows - (n_left - offset) : n_rows]
        generator.shuffle(left)
        full, last = np.split(left, [n_left - self._steps.n_last])
        parts += [[(row, 1) for row in some] for some in (full, last) if len(some)]
        orders = [generator.permutation(sum(n for _, n in part)).astype(np.int32) for part in parts]
        with ThreadPoolExecutor(1, "read_ahead") as reader:
            ahead = reader.submit(self._read, parts[0], orders[0])
            for following in [*zip(parts[1:], orders[1:], strict=True), None]:
                device_batch = ahead.result()
                if following is not None:
                    ahead = reader.submit(self._read, *following)
                yield device_batch

    def _spans(self, starts: np.ndarray) -> list[tuple[int, int]]:
        return [(start, self._segment) for start in starts.tolist()]

    def _read(self, spans: list[tuple[int, int]], order: np.ndarray) -> DeviceBatch:
        """Reads the rows of some spans into a buffer of constant shape, so that no graph is traced again."""
        is_last = len(order) == self._steps.n_last
        size = len(order) if is_last else self._per_piece * self._segment
        numbers = np.zeros(size, np.int32)
        numbers[: len(order)] = order
        read = [None if rows is None else _gathered(rows, spans, size) for rows in self._rows]
        n_steps = 1 if is_last else len(order) // self._steps.n_batch
        shaped = numbers[None] if is_last else numbers.reshape(-1, self._steps.n_batch)
        return DeviceBatch(place((read[0], read[1], read[2])), tf.constant(shaped), n_steps, is_last)


def in_order(rows: Rows) -> Iterator[Rows]:
    """Yields the rows in file order, copied to the device part by part."""
    bytes_per_row = sum(row[:1].nbytes for row in rows if row is not None)
    step = max(1, rows[0].device_batch_bytes // bytes_per_row)
    for start in range(0, len(rows[0]), step):
        chosen = slice(start, start + step)
        x, y, weight = (None if part is None else part[chosen] for part in rows)
        yield place((x, y, weight))


def _gathered(rows: OnDisk, spans: list[tuple[int, int]], size: int) -> np.ndarray:
    out = np.zeros((size, *rows[:1].shape[1:]), np.float32)
    filled = 0
    for start, n in spans:
        rows.read_into(out[filled : filled + n], start)
        filled += n
    return out


def class_totals(classes: OnDisk, own: OnDisk | None) -> np.ndarray:
    """Returns the sum of the weights of each class.

    Args:
        classes: `(n_rows, 1)` class numbers.
        own: Weights of the rows; None: each weighs 1.
    """
    totals = np.zeros(0)
    step = max(1, classes.device_batch_bytes // 4)
    for start in range(0, len(classes), step):
        rows = slice(start, start + step)
        weights = None if own is None else own[rows]
        found = np.bincount(classes[rows][:, 0].astype(np.int64), weights, len(totals)).astype(np.float64)
        found[: len(totals)] += totals
        totals = found
    return totals


class Weighted:
    """Weights of rows on disk: the row's own weight, if any, times the weight of its class.

    Args:
        own: Weights of the rows; None without.
        classes: `(n_rows, 1)` class numbers.
        of_class: `(n_classes,)` weight of each class.
    """

    def __init__(self, own: OnDisk | None, classes: OnDisk, of_class: np.ndarray) -> None:
        self._own, self._classes, self._of_class = own, classes, of_class
        self.device_batch_bytes = classes.device_batch_bytes

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, rows: slice) -> np.ndarray:
        weights = self._of_class[self._classes[rows][:, 0].astype(np.int64)]
        return weights if self._own is None else weights * self._own[rows]

    def read_into(self, out: np.ndarray, start: int) -> None:
        """Fills `out` with the weights from row `start` on.

        Args:
            out: Float32, `(n_rows,)`.
            start: Number of the first row, from 0.
        """
        out[:] = self[slice(start, start + len(out))]
