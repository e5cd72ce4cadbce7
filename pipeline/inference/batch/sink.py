"""Writes predictions to a CSV or Parquet file, which appears only when it is complete."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from pipeline.errors import DataError
from pipeline.runtime.atomic_files import whole_file

SUFFIXES = (".csv", ".parquet")


def check_output(path: Path, source: Path) -> None:
    """Raises DataError if the output cannot be written, before any work is done.

    Args:
        path: The output.
        source: The input.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} must end in {' or '.join(SUFFIXES)}, which decides the format")
    if not path.parent.is_dir():
        raise DataError(f"folder {path.parent} for {path.name} does not exist; create it")
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file to write")
    if path.exists() and path.samefile(source):
        raise DataError(f"{path} is the input; name another output")


@contextlib.contextmanager
def sink(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Yields a function that writes tables to a temporary file, which is moved to the path at the end or else removed.

    Raises:
        DataError: The disk is full or not writable, or a column has a type that CSV cannot hold.
    """
    writer: Any = None
    try:
        with whole_file(path) as unfinished, unfinished.open("wb") as file:

            def write(table: pa.Table) -> None:
                nonlocal writer
                try:
                    writer = writer or _writer(file, path, table.schema)
                    writer.write_table(table)
                except pa.ArrowException as error:
                    raise DataError(_misfit(path, table, error)) from None

            try:
                yield write
            finally:
                if writer is not None:
                    writer.close()  # before the file
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}") from None


def _writer(file: Any, path: Path, schema: pa.Schema) -> Any:
    if path.suffix.lower() == ".parquet":
        return pq.ParquetWriter(file, schema)
    return arrow_csv.CSVWriter(file, schema, write_options=arrow_csv.WriteOptions(quoting_style="needed"))


def _misfit(path: Path, table: pa.Table, error: pa.ArrowException) -> str:
    """The message for a table that the format cannot hold."""
    if path.suffix.lower() == ".parquet":
        return f"{path} cannot be written: {str(error).splitlines()[0]}"
    columns = [column for column in table.schema if not _fits(table.select([column.name]), path)]
    shown = " and ".join(f"column {column.name!r} of type {column.type}" for column in columns)
    return f"CSV cannot hold {shown}; name an output that ends in .parquet, or leave it out of --keep"


def _fits(table: pa.Table, path: Path) -> bool:
    try:
        with _writer(pa.BufferOutputStream(), path, table.schema) as writer:
            writer.write_table(table)
    except pa.ArrowException:
        return False
    return True
