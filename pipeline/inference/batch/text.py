"""Reads text files block by block: plain ones with Arrow, others exactly, line by line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pipeline.data import Reading
from pipeline.data.reading.content import BOMS, GUESSES, OTHER_FORMATS, SAMPLE_BYTES, Content, check_encoding
from pipeline.data.reading.dialect import Dialect, find_dialect, header_names
from pipeline.errors import DataError
from pipeline.inference.batch.source import FormatChanged

BLOCK_BYTES = 4 << 20  # that Arrow parses at a time
BLOCK_ROWS = 8192  # that are parsed line by line at a time
UTF8 = ("utf-8", "utf-8-sig")


@dataclass
class TextSource:
    """A text file; every column is text."""

    path: Path
    reading: Reading
    encoding: str
    dialect: Dialect
    names: list[str]
    has_header: bool
    exact: bool  # line by line
    n_blank: int = 0  # blank lines at the beginning
    ends_in_delimiter: bool = False  # each row except the header; training ignores it, so prediction must too

    def __post_init__(self) -> None:
        self._raw: IO[bytes] | None = None

    def blocks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of some columns, block by block."""
        with self.path.open("rb") as self._raw:
            file = gzip.open(self._raw) if self.path.suffix.lower() == ".gz" else self._raw  # noqa: SIM115
            try:
                yield from (self._lines if self.exact else self._plain)(cast(IO[bytes], file), list(columns))
            except (OSError, EOFError) as error:
                raise DataError(f"{self.path} cannot be read: {error}") from None

    def progress(self) -> tuple[int, int]:
        """Bytes read and file size; of a compressed file, before unpacking."""
        return (self._raw.tell() if self._raw and not self._raw.closed else 0), self.path.stat().st_size

    def _plain(self, file: IO[bytes], columns: list[str]) -> Iterator[pa.Table]:
        stream = pa.PythonFile(file, mode="r")
        if codecs.lookup(self.encoding).name not in UTF8:
            stream = pa.transcoding_input_stream(stream, self.encoding, "utf-8")
        numbers = [str(self.names.index(name)) for name in columns]  # names may repeat if nobody requests them
        places = [str(number) for number in range(len(self.names))]
        try:
            reader = arrow_csv.open_csv(
                stream,
                arrow_csv.ReadOptions(
                    block_size=BLOCK_BYTES,
                    column_names=places,
                    skip_rows=self.n_blank,
                    skip_rows_after_names=int(self.has_header),
                ),
                arrow_csv.ParseOptions(delimiter=self.dialect.delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    include_columns=numbers, column_types=dict.fromkeys(numbers, pa.string()), strings_can_be_null=False
                ),
            )
            for batch in reader:
                table = pa.Table.from_batches([batch]).rename_columns(columns)
                if any(_begins_with_blank_and_mark(column) for column in table.columns):
                    raise FormatChanged(replace(self, exact=True))
                yield table
        except (pa.ArrowException, UnicodeError):  # the exact way finds the invalid rows
            raise FormatChanged(replace(self, exact=True)) from None

    def _lines(self, file: IO[bytes], columns: list[str]) -> Iterator[pa.Table]:
        places = [self.names.index(name) for name in columns]
        encoding = "utf-8-sig" if codecs.lookup(self.encoding).name in UTF8 else self.encoding
        with io.TextIOWrapper(file, encoding=encoding, newline="") as lines:
            records = self.dialect.records(lines)
            try:
                if self.has_header:
                    next(records, None)
                while block := list(itertools.islice(records, BLOCK_ROWS)):
                    for line, fields in block:
                        self._check(line, fields)
                    by_column = [[fields[place] for _, fields in block] for place in places]
                    yield pa.table([pa.array(values, pa.string()) for values in by_column], names=columns)
            except UnicodeError as error:
                raise self._other_encoding(error) from None
            except csv.Error as error:
                raise DataError(f"{self.path} cannot be read as a table: {error}") from None

    def _check(self, line: int, fields: list[str]) -> None:
        if self.ends_in_delimiter and len(fields) == len(self.names) + 1 and not fields[-1].strip():
            return
        if self.ends_in_delimiter or len(fields) != len(self.names):
            raise DataError(
                f"{self.path}, line {line}: {len(fields)} fields, but there are {len(self.names)} columns; correct the "
                "line, or put quotation marks around fields that hold the delimiter"
            )

    def _other_encoding(self, error: UnicodeError) -> Exception:
        following = dict(itertools.pairwise(GUESSES))
        if self.reading.encoding == "auto" and self.encoding in following:
            return FormatChanged(replace(self, encoding=following[self.encoding]))
        return DataError(f"{self.path} cannot be read as {self.encoding}: {error}")


def open_text(path: Path, reading: Reading, inputs: Sequence[str], targets: Sequence[str]) -> TextSource:
    """Finds out how a text file is written.

    Args:
        path: The file.
        reading: How the model's training files were read.
        inputs: Columns that the model needs; if the first line has all of them, it is a header.
        targets: Columns that a file without a header may lack.

    Raises:
        DataError: The file cannot be opened, is not text, or has a different number of columns than names.
    """
    sample = _sample(path)
    encoding = _encoding(path, sample, reading.encoding)
    text = sample.decode(encoding, errors="ignore")  # the last character may be cut
    content = Content(str(path), path, text.removeprefix("\ufeff").encode())
    dialect = find_dialect(content, reading)
    delimiter = dialect.delimiter
    with content.lines() as lines:
        records = [[field.strip() for field in fields] for _, fields in itertools.islice(dialect.records(lines), 2)]
    if not records:
        raise DataError(f"{path} cannot be read as a table: it is empty")
    with content.lines() as lines:
        n_blank = sum(1 for _ in itertools.takewhile(lambda line: not line.strip() and delimiter not in line, lines))
    names, has_header = _names(path, header_names(records[0]), reading, inputs, targets)
    ends = has_header and len(records[-1]) == len(names) + 1 and not records[-1][-1]
    exact = dialect.whitespace or dialect.comment is not None or ends
    return TextSource(path, reading, encoding, dialect, names, has_header, exact, n_blank, ends)


def _names(
    path: Path, first: list[str], reading: Reading, inputs: Sequence[str], targets: Sequence[str]
) -> tuple[list[str], bool]:
    if set(inputs) <= set(first) or (reading.header and reading.columns is None):
        return first, True
    named = reading.columns
    if named is None:
        named = [f"column_{number}" for number in range(1, len(first) + 1)]
    for names in (named, [name for name in named if name not in targets]):
        if len(names) == len(first):
            return names, reading.header
    raise DataError(
        f"{path} has {len(first)} columns, and no header with the model's columns; it must have the {len(named)} that "
        f"data.columns named in training, with or without {', '.join(map(repr, targets))}"
    )


def _sample(path: Path) -> bytes:
    try:
        with path.open("rb") as raw, gzip.open(raw) if path.suffix.lower() == ".gz" else raw as file:
            sample: bytes = file.read(SAMPLE_BYTES)
            return sample
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _encoding(path: Path, sample: bytes, given: str) -> str:
    check_encoding(given)
    for magic, what in OTHER_FORMATS.items():
        if sample.startswith(magic):
            raise DataError(f"{path} cannot be read as text: it is {what.partition('; read')[0]}")
    if given != "auto":
        return given
    if bom := next((name for mark, name in BOMS.items() if sample.startswith(mark)), None):
        return bom
    if b"\0" in sample:
        raise DataError(f"{path} cannot be read as text: it holds a zero byte")
    for name in GUESSES[:-1]:
        try:
            codecs.getincrementaldecoder(name)().decode(sample)  # not final: the last character may be cut
        except UnicodeDecodeError:
            continue
        return name
    return GUESSES[-1]


def _begins_with_blank_and_mark(column: Any) -> bool:
    """Whether blanks precede a quotation mark, which Arrow then reads as a letter."""
    begins = pc.starts_with(column, " ")
    if not pc.any(begins).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(column, '^ +"')).as_py())
