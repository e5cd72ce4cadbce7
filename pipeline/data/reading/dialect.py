"""The dialect of a text file: what separates fields, and the names of its columns."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config.rules import Data
from pipeline.data.reading.content import Content
from pipeline.data.reading.data_files import PARQUET
from pipeline.data.reading.input_column import MARKS, TextFormat
from pipeline.data.reading.notation import marks_of
from pipeline.data.reading.typed_tables import is_url
from pipeline.errors import DataError

SAMPLE_RECORDS = 200  # to infer the delimiter from
WORDS = {"tab": "\t", "\\t": "\t", "whitespace": " "}
# Rarer characters first: if several divide all lines alike, this order reads "1,5;2,5" and "a, b" correctly.
CANDIDATES = ("\t", ";", "|", ",", " ")
csv.field_size_limit(2**31 - 1)  # texts of a table may be longer than 131 072 characters, Python's default


@dataclass(frozen=True)
class Dialect:
    """How a file's lines are divided into fields."""

    delimiter: str  # one character; a blank stands for runs of blanks and tabs
    comment: str | None

    @property
    def whitespace(self) -> bool:
        """Whether fields are separated by runs of blanks and tabs."""
        return self.delimiter == " "

    def records(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """The fields of each record that is not blank, and the line that it ends in, counted from 1.

        Exact but slow: for the first lines of a file, and to find invalid rows.
        """
        if self.comment:
            lines = (without_comment(line, self.comment) for line in lines)
        if self.whitespace:
            lines = (line.replace("\t", " ").strip() for line in lines)
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)
        for fields in reader:
            if not is_blank(fields):
                yield reader.line_num, fields


@dataclass(frozen=True)
class Reading:
    """How tables are written: the keys of the data section that say how to read text, with their values."""

    delimiter: str
    header: bool
    columns: list[str] | None
    encoding: str
    decimal: str
    comment: str | None
    missing_values: list[str | int | float]
    column_formats: dict[str, str] = field(default_factory=dict)
    typed: bool = False  # Parquet or a database: in their text only missing_values are gaps

    @classmethod
    def of(cls, config: Data) -> Reading:
        """How the tables of a data section are written."""
        keys = [known.name for known in dataclasses.fields(cls) if known.name != "typed"]
        return cls(**{key: getattr(config, key) for key in keys}, typed=_is_typed(config.path))

    @property
    def text(self) -> TextFormat:
        """The format of numbers and gaps. In a column of numbers the usual marks can only be gaps."""
        own = marks_of(self.missing_values)
        return TextFormat(self.decimal, (*MARKS, *own), own if self.typed else (*MARKS, *own))


def _is_typed(path: str | None) -> bool:
    if path is None or is_url(path):
        return True
    named = Path(path).expanduser()
    found = [named] if named.exists() else Path(named.anchor).glob(str(named.relative_to(named.anchor)))
    return all(file.name.lower().endswith(PARQUET) for file in found)


def find_dialect(content: Content, config: Data | Reading) -> Dialect:
    """The delimiter that was set, or the one that divides most of the first lines into equally many fields.

    Args:
        content: The file.
        config: The keys that say how it is written.

    Raises:
        DataError: `data.delimiter` or `data.comment` is invalid.
    """
    if config.comment is not None and (len(config.comment) != 1 or config.comment in '"\n\r '):
        raise DataError(f"data.comment: must be one character, as in \"data.comment='#'\", got {config.comment!r}")
    delimiter = WORDS.get(config.delimiter, config.delimiter)
    if delimiter == "auto":
        return Dialect(_found(content, config), config.comment)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\n\r':
        raise DataError(f"data.delimiter: must be auto, tab, whitespace or one character, got {config.delimiter!r}")
    for key, other in (("decimal", config.decimal), ("comment", config.comment)):
        if delimiter == other:
            raise DataError(f"data.{key}: is the same character as data.delimiter, {delimiter!r}")
    return Dialect(delimiter, config.comment)


def column_names(content: Content, dialect: Dialect, config: Data | Reading) -> list[str]:
    """The names of all columns: from data.columns, from the header, or column_1, column_2, ...

    Args:
        content: The file.
        dialect: Its dialect.
        config: The keys that say how it is written.

    Raises:
        DataError: The file has no lines, repeats a name, or has a different number of columns than data.columns.
    """
    where = f"{content.key}: {content.path}"
    records = _first_records(content, dialect, where)
    if not records:
        raise DataError(f"{where} cannot be read as a table: it is empty")
    if config.columns is not None:
        n_fields = len(records[-1])
        if len(config.columns) != n_fields:
            raise DataError(f"data.columns: names {len(config.columns)} columns, but {content.path} has {n_fields}")
        return config.columns
    if not config.header:
        return [f"column_{number}" for number in range(1, len(records[0]) + 1)]
    names = header_names(records[0])
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(
            f"{where} has more than one column named {', '.join(map(repr, repeated))} in its header; name all columns "
            "with data.columns, or set data.header=false if its first line is a row"
        )
    return names


def header_names(fields: Sequence[str]) -> list[str]:
    """The names of all columns, with those that the header leaves empty: `Unnamed: 0`, as pandas calls the first.

    A file that was written with its index, read and written again has a column of that name already: then
    `Unnamed: 0.1` is the new one, as in pandas.

    Args:
        fields: Of the header.
    """
    names = [field.strip() for field in fields]
    taken = {*names}
    found = []
    for number, name in enumerate(names):
        generated = (
            f"Unnamed: {number}{ending}" for ending in ("", *(f".{more}" for more in range(1, len(names) + 1)))
        )
        found.append(name or next(one for one in generated if one not in taken))
        taken.add(found[-1])
    return found


def _first_records(content: Content, dialect: Dialect, where: str) -> list[list[str]]:
    """The fields of the first two records.

    Raises:
        DataError: They cannot be read, or a quotation mark is never closed, so that one of them is the whole file.
    """
    n_quotes = 0

    def counted(lines: Iterable[str]) -> Iterator[str]:
        nonlocal n_quotes
        for line in lines:
            n_quotes += line.count('"')
            yield line

    with content.lines() as lines:
        try:
            records = [fields for _, fields in itertools.islice(dialect.records(counted(lines)), 2)]
        except csv.Error as error:
            raise DataError(f"{where} cannot be read as a table: {error}") from None
        at_end = not lines.readline()
    if at_end and n_quotes % 2 and records and "\n" in records[-1][-1]:
        place = "the header or the first row" if len(records) > 1 else "the first line"
        raise DataError(
            f"{where} cannot be read as a table: a quotation mark in {place} is never closed; close or remove it"
        )
    return records


def is_blank(fields: Sequence[str]) -> bool:
    """Whether a record has no fields, or a single one of blanks.

    Args:
        fields: Of the record.
    """
    return len(fields) <= 1 and not "".join(fields).strip()


def _found(content: Content, config: Data | Reading) -> str:
    sample = content.sample()
    best, most = "\t" if ".tsv" in content.path.name.lower() else ",", 0.0
    for delimiter in CANDIDATES:
        if delimiter in (config.decimal, config.comment):
            continue
        records = Dialect(delimiter, config.comment).records(io.StringIO(sample, newline=""))
        try:
            counts = Counter(len(fields) for _, fields in itertools.islice(records, SAMPLE_RECORDS))
        except csv.Error:
            continue
        n_fields, n_records = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        share = n_records / max(counts.total(), 1)
        if n_fields > 1 and share > most:
            best, most = delimiter, share
    return best


def without_comment(line: str, comment: str) -> str:
    """Cuts a line at the first comment mark outside quotation marks.

    Args:
        line: A line of a text file.
        comment: The comment mark.
    """
    if comment not in line:
        return line
    parts = line.split(comment)
    kept = parts[0]
    for part in parts[1:]:
        if kept.count('"') % 2 == 0:
            return kept + "\n"
        kept += comment + part
    return kept
