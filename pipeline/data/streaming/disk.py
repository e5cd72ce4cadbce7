"""Arrays on disk, in a file without a name, which disappears with the process however that ends."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import weakref

import numpy as np

from pipeline.errors import DataError
from pipeline.runtime.atomic_files import shared_temporary


class DiskArray:
    """float32 rows, appended once and read by number; reads copy from the file instead of mapping it into memory.

    Args:
        row: Shape of a row: `(n,)`, or `()` for one number.
        device_batch_bytes: How many bytes of it readers hold in memory at a time.
    """

    def __init__(self, row: tuple[int, ...], device_batch_bytes: int) -> None:
        self.device_batch_bytes = device_batch_bytes
        self._file = tempfile.TemporaryFile(prefix="pipeline-rows-", buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._row = row
        self._row_bytes = 4 * math.prod(row)
        self._n_rows = 0

    def __len__(self) -> int:
        return self._n_rows

    @property
    def shape(self) -> tuple[int, ...]:
        """As in numpy."""
        return (self._n_rows, *self._row)

    @property
    def nbytes(self) -> int:
        """Size of the file in bytes."""
        return self._n_rows * self._row_bytes

    def append(self, rows: np.ndarray) -> None:
        """Writes rows at the end.

        Raises:
            DataError: The disk is full.
        """
        content = memoryview(np.ascontiguousarray(rows, np.float32).data).cast("B")
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise DataError(
                f"data.streaming: rows cannot be written to {shared_temporary()}: {error}; free space there, or set "
                "TMPDIR to a folder on a disk with more"
            ) from None
        self._n_rows += len(rows)

    def read_into(self, out: np.ndarray, start: int) -> None:
        """Fills `out`, contiguous rows, with the rows from number `start` on.

        Args:
            out: Float32, `(n_rows, ...)`.
            start: Number of the first row to read, from 0.
        """
        view, at = memoryview(out.data).cast("B"), start * self._row_bytes
        while view:
            n_read = os.preadv(self._file.fileno(), [view], at)
            if not n_read:
                raise DataError("data.streaming: the file of rows in TMPDIR has become shorter; train again")
            view, at = view[n_read:], at + n_read

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Consecutive rows as a numpy array."""
        start, stop, _ = rows.indices(self._n_rows)
        out = np.empty((max(0, stop - start), *self._row), np.float32)
        self.read_into(out, start)
        return out


def require_space(n_bytes: int) -> None:
    """Raises DataError if so many bytes do not fit on the disk of temporary files."""
    folder = shared_temporary()
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise DataError(
            f"data.streaming: the scaled rows take {n_bytes / 1e9:.1f} GB on disk, but {folder} has only "
            f"{free / 1e9:.1f} GB free; set TMPDIR to a folder on a disk with more"
        )
