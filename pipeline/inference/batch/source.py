"""Sources of blocks of rows: they yield requested columns of a file as one Arrow table after the other."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DataError

BLOCK_ROWS = 65_536  # rows of Parquet at a time
BUFFER_BYTES = 1 << 16  # for each of its columns


class Source(Protocol):
    """A file of rows."""

    names: list[str]  # all columns

    def blocks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of some columns, block by block.

        Raises:
            DataError: The file is invalid; with the line.
            FormatChanged: The file must be read by another source, from its beginning.
        """

    def progress(self) -> tuple[int, int]:
        """How much of the file is read, and its size."""


class FormatChanged(Exception):  # noqa: N818, not an error
    """The rest of a file has another format than its beginning; `source` reads it."""

    def __init__(self, source: Source) -> None:
        super().__init__("another way of reading")
        self.source = source


@dataclass
class ParquetSource:
    """A Parquet file, in its own types."""

    path: Path

    def __post_init__(self) -> None:
        try:
            content = _unpacked(self.path) if self.path.suffix.lower() == ".gz" else self.path
            # Otherwise it reads ahead and keeps what it has read: 10 million rows took 850 MB more than one million.
            self._file = pq.ParquetFile(content, pre_buffer=False, buffer_size=BUFFER_BYTES)
        except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
            raise DataError(f"{self.path} cannot be read as Parquet: {_first_line(error)}") from None
        self.names = list(self._file.schema_arrow.names)
        self._n_read = 0

    def blocks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of some columns, block by block."""
        self._n_read = 0
        try:
            for batch in self._file.iter_batches(BLOCK_ROWS, columns=list(columns)):
                self._n_read += len(batch)
                yield pa.Table.from_batches([batch]).select(list(columns))
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.path} cannot be read after row {self._n_read}: {_first_line(error)}") from None

    def progress(self) -> tuple[int, int]:
        """Rows."""
        return self._n_read, self._file.metadata.num_rows


def _unpacked(path: Path) -> pa.NativeFile:
    """The content of a gzipped file, unpacked on disk because Parquet is read from its end; deleted when closed."""
    with tempfile.NamedTemporaryFile() as content, gzip.open(path) as packed:
        shutil.copyfileobj(packed, content)
        content.flush()
        return pa.OSFile(content.name)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
