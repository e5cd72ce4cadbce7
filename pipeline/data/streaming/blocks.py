"""Reads all rows of a table's files block by block, each column in its role and always in the same form."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.rules import Data
from pipeline.data.reading.column_roles import Columns, from_table
from pipeline.data.reading.column_types import are_whole, is_text, kind_of, with_columns
from pipeline.data.reading.conversion import to_text
from pipeline.data.reading.csv_file import TextFile, with_whole
from pipeline.data.reading.data_files import PARQUET
from pipeline.data.reading.labels import agreeing_labels
from pipeline.data.reading.ragged import check_fields, check_header
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.reading.sources import Table
from pipeline.data.reading.typed_tables import tidied_frame, with_index_columns
from pipeline.data.streaming.budget import table_files
from pipeline.data.streaming.text_blocks import WrongEncodingError, beginning, encodings_of, pieces
from pipeline.errors import DataError

log = logging.getLogger(__name__)

TEST_PATH = "data.split.test_path"


@dataclass(frozen=True)
class Block:
    """Consecutive rows of one file."""

    columns: Columns
    first_row: int  # among all rows with a target, in the order of the files
    from_test_file: bool

    def __len__(self) -> int:
        return len(next(iter(self.columns.inputs.values())))

    @property
    def row_numbers(self) -> np.ndarray:
        """`(n_rows,)` number of each row through all files, where rows without a target count too."""
        assert self.columns.row_numbers is not None
        return self.columns.row_numbers

    @property
    def places(self) -> RowNumbers:
        """Where a user finds each row."""
        n_test_file_rows = len(self) if self.from_test_file else 0
        return RowNumbers(len(self), n_test_file_rows, self.row_numbers, self.columns.n_first)


@dataclass
class Known:
    """What earlier passes have found that later ones need from the first row on."""

    encodings: dict[Path, list[str]] = field(default_factory=dict)  # that are left to try
    as_text: set[str] = field(default_factory=set)  # columns with text or dates in some block, so text in all
    large: set[str] = field(default_factory=set)  # target columns of whole numbers, some of them beyond int64
    kinds: dict[str, set[str]] = field(default_factory=dict)  # kinds of each column's values, as `kind_of` names them
    labels: dict[str, set[str]] = field(default_factory=dict)  # of target columns of text, without those of test files


class ReadAgainError(Exception):
    """`known` has changed during a pass, which must start again."""


def blocks(config: Data, block_bytes: int, known: Known) -> Iterator[Block]:
    """Reads all files; a thread reads the next block meanwhile.

    Args:
        config: The data section.
        block_bytes: Bytes of a block.
        known: What earlier passes have found; added to.

    Raises:
        ReadAgainError: `known` has changed; blocks so far may have been read incorrectly.
        DataError: A file is missing or broken, or has other columns than the first.
    """
    reading = _blocks(config, block_bytes, known)
    try:
        with ThreadPoolExecutor(1, "read_blocks") as reader:
            ahead = reader.submit(next, reading, None)
            while (block := ahead.result()) is not None:
                ahead = reader.submit(next, reading, None)
                yield block
    finally:
        reading.close()
        pa.default_memory_pool().release_unused()  # otherwise it would be kept for the next pass


def _blocks(config: Data, block_bytes: int, known: Known) -> Generator[Block]:
    first_row, row, n_first = 0, 0, 0
    for key, frame in _frames(config, block_bytes, known):
        from_test_file = key == TEST_PATH
        numbers = np.arange(row, row + len(frame))
        row += len(frame)
        n_first = n_first if from_test_file else row
        agreeing = _agreeing(frame, config, known, from_test_file)
        table = Table(agreeing, None, len(frame) if from_test_file else 0, numbers, n_first)
        columns = _in_roles(table, config, known)
        if columns is None:
            continue
        block = Block(columns, first_row, from_test_file)
        first_row += len(block)
        yield block


def _frames(config: Data, block_bytes: int, known: Known) -> Iterator[tuple[str, pd.DataFrame]]:
    """Consecutive rows of each file in turn, and the key that names the file."""
    names, first = None, None
    for key, path in table_files(config):
        is_parquet = path.name.lower().endswith(PARQUET)
        frames = _of_parquet if is_parquet else _of_text
        row = 0  # row number in this file
        for frame in frames(key, path, config, block_bytes, known):
            check_header(key, path, frame, row)
            row += len(frame)
            names, first = names or list(frame.columns), first or path
            _check_columns(key, path, list(frame.columns), names, first)
            _check_kinds(frame, known)
            yield key, frame


def _of_parquet(key: str, path: Path, config: Data, block_bytes: int, known: Known) -> Iterator[pd.DataFrame]:
    if path.suffix.lower() == ".gz":
        raise DataError(f"{key}: {path} is zipped Parquet, which can only be read as a whole; unzip it")
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as file:
            metadata = file.metadata
            per_row = max(8 * metadata.num_columns, _uncompressed(metadata) // max(metadata.num_rows, 1))
            for batch in file.iter_batches(batch_size=max(1000, block_bytes // per_row), use_threads=False):
                frame = with_index_columns(batch.to_pandas())
                yield _as_text(tidied_frame(frame, f"{key}: {path}", config), known)
    except (OSError, EOFError, pa.ArrowException) as error:
        raise DataError(f"{key}: {path} cannot be read: {str(error).strip()}") from None


def _uncompressed(metadata: pq.FileMetaData) -> int:
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))


def _as_text(frame: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Converts columns to text that are text elsewhere, dates to one format; Parquet gives a column one type."""
    for name in frame:
        kind = kind_of(frame[name]) if name in known.as_text else None
        if kind not in ("text", "date", None):
            raise DataError(
                f"data.path: column {name!r} is {kind} in one file and not in another; store it as one type in all"
            )
    return frame


def _check_kinds(frame: pd.DataFrame, known: Known) -> None:
    """Checks that a column's kinds of values fit together.

    Raises:
        ReadAgainError: A column has booleans in some blocks and other values in others, so it is text.
        DataError: A column has dates in one file and text in another, whose format is unknown.
    """
    for name, column in frame.items():
        kind, kinds = kind_of(column), known.kinds.setdefault(str(name), set())
        if kind is None or kind in kinds:
            continue
        kinds.add(kind)
        if kinds >= {"text", "date"}:
            raise DataError(
                f"data.path: column {name!r} has dates in one file and is text in another; store it as one type in all"
            )
        besides = kinds & {"number", "text"}  # the text may be in rows without a target, which are not seen again
        if besides and "boolean" in kinds and name not in known.as_text:
            what = " and ".join(word for kind, word in (("number", "numbers"), ("text", "text")) if kind in besides)
            _log_mixed([str(name)], f"{what} in some rows and true and false in others")
            known.as_text.add(str(name))
            raise ReadAgainError


def _of_text(key: str, path: Path, config: Data, block_bytes: int, known: Known) -> Iterator[pd.DataFrame]:
    left = known.encodings.setdefault(path, list(encodings_of(key, path, config.encoding)))
    try:
        start = beginning(key, path, left[0], config)
        for piece in pieces(start, left[0], block_bytes):
            yield _frame(piece, start, known)
    except WrongEncodingError as error:
        if len(left) == 1:
            raise DataError(f"{error}; set data.encoding=auto, or the encoding it was saved in") from None
        left.pop(0)
        log.info("%s is not UTF-8; read as %s (data.encoding sets another)", path, left[0])
        raise ReadAgainError from None


def _frame(piece: TextFile, start: TextFile, known: Known) -> pd.DataFrame:
    try:
        frame = piece.read()
    except DataError:
        check_fields(start.content, start.dialect, start.names, start.config.header)  # which counts rows from the top
        raise
    frame = with_whole(frame, known.large & set(frame), piece)
    lost = [name for name in frame if name in known.as_text and not is_text(frame[name])]
    return with_columns(frame, {name: piece.texts([name])[name] for name in lost}) if lost else frame


def _check_columns(key: str, path: Path, found: list[str], names: list[str], first: Path) -> None:
    lacking, besides = [n for n in names if n not in found], [n for n in found if n not in names]
    if lacking or besides:
        what = [f"{word} {', '.join(map(repr, some))}" for word, some in (("lacks", lacking), ("also has", besides)) if some]  # fmt: skip  # noqa: E501
        raise DataError(
            f"{key}: all files must have the columns of {first}\n{path} {' and '.join(what)}\n"
            "Correct the headers, or set data.header=false and data.columns where files have none"
        )


def _agreeing(frame: pd.DataFrame, config: Data, known: Known, from_test_file: bool) -> pd.DataFrame:
    """Labels of a test file, as the other files write them."""
    targets = [config.target] if isinstance(config.target, str) else config.target or []
    columns = {}
    for name in targets:
        if name not in frame or not is_text(frame[name]):
            continue
        labels = known.labels.setdefault(name, set())
        if from_test_file:
            both = pd.concat([pd.Series(sorted(labels), dtype="str"), frame[name]])
            columns[name] = agreeing_labels(both, len(frame)).iloc[len(labels) :]
        elif len(labels) < 10_000:
            labels.update(frame[name].dropna().unique())
    return with_columns(frame, columns) if columns else frame


def _in_roles(table: Table, config: Data, known: Known) -> Columns | None:
    """The columns by role, as text if another block has text; None if no row has a target.

    Raises:
        ReadAgainError: A target is the first beyond int64; in columns with gaps, earlier ones were read as floats.
    """
    targets = [config.target] if isinstance(config.target, str) else config.target or []
    frame, numbers = table.frame, table.row_numbers
    assert numbers is not None
    if config.missing_target == "drop" and set(targets) <= set(frame):
        there = frame[targets].notna().all(axis=1).to_numpy()
        frame, numbers = frame[there], numbers[there]
        if not len(frame):
            return None
    n_test_file_rows = len(frame) if table.n_test_file_rows else 0
    columns = from_table(Table(frame, None, n_test_file_rows, numbers, table.n_first), config)
    texts: dict[str, RawColumn] = {
        name: to_text(frame[name], config.missing_values)
        for name, values in columns.inputs.items()
        if name in known.as_text and not isinstance(values, TextArray)
    }
    target = {name: frame[name] if name in known.as_text else column for name, column in columns.target.items()}
    _note_large(target, known)
    split_column, name = columns.split_column, config.split.column
    if name in known.as_text and split_column is not None and not isinstance(split_column, TextArray):
        split_column = to_text(frame[name], config.missing_values)
    return replace(columns, inputs=columns.inputs | texts, target=target, split_column=split_column)


def _note_large(target: Mapping[str, pd.Series], known: Known) -> None:
    """Raises ReadAgainError if a target is the first beyond int64."""
    large = {name for name, column in target.items() if are_whole(column)}
    if large - known.large:
        known.large |= large
        raise ReadAgainError


@dataclass
class Seen:
    """What the blocks of a pass so far had in each column."""

    numbers: set[str] = field(default_factory=set)
    only_gaps: set[str] = field(default_factory=set)  # columns with only gaps in some block, read as numbers


def in_same_form(columns: Columns, split_column: str | None, seen: Seen, known: Known) -> Columns:
    """A block's columns in the form of earlier blocks; in a column of text, gaps are gaps of text.

    Args:
        columns: The block's columns.
        split_column: Name of the column that the split depends on; None if it depends on none.
        seen: What earlier blocks of the pass had; added to.
        known: What earlier passes have found; added to.

    Raises:
        ReadAgainError: A column holds text here and numbers, or gaps that were read as gaps in numbers, in an earlier
            block; now it is known to be text.
    """
    inputs = dict(columns.inputs)
    for name, values in columns.inputs.items():
        if isinstance(values, TextArray):
            known.as_text.add(name)
        elif np.isnan(values).all():
            if name in known.as_text:
                inputs[name] = TextArray.of([""] * len(values))
            else:
                seen.only_gaps.add(name)
        else:
            seen.numbers.add(name)
    for name, column in columns.target.items():
        (known.as_text if is_text(column) else seen.numbers).add(name)
    if split_column is not None:  # a group in two forms would have two hashes, and rows in two parts
        (known.as_text if isinstance(columns.split_column, TextArray) else seen.numbers).add(split_column)
    mixed = known.as_text & seen.numbers
    if mixed:
        _log_mixed(sorted(mixed), "text in some rows and numbers in others")
    if mixed or known.as_text & seen.only_gaps:
        raise ReadAgainError
    return replace(columns, inputs=inputs)


def _log_mixed(names: list[str], what: str) -> None:
    said = "column %s holds %s, so it is read again as text; for numbers, write them alike in all files: "
    remedy = "they share one data.decimal, and data.missing_values names marks of gaps"
    log.warning(said + remedy, ", ".join(map(repr, names)), what)
