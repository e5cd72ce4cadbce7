"""A text file in pieces of whole rows, as UTF-8, without ever holding all of it."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.config.rules import Data
from pipeline.data.reading.content import SAMPLE_BYTES, Content, check_encoding, encoding_of
from pipeline.data.reading.csv_file import TextFile
from pipeline.data.reading.data_files import PARQUET
from pipeline.data.reading.dialect import column_names, find_dialect, without_comment
from pipeline.data.reading.typed_tables import is_url
from pipeline.data.streaming.budget import table_files
from pipeline.errors import DataError

# What `data.encoding=auto` tries one after the other, each from the file's beginning; the last takes any byte.
GUESSES = ("utf-8-sig", "cp1252", "latin-1")


class WrongEncodingError(Exception):
    """Bytes that the encoding does not have; `auto` may try another."""


def encodings_of(key: str, path: Path, asked: str) -> tuple[str, ...]:
    """Encodings to try: the one that was set or that the file's first bytes say, else GUESSES.

    Raises:
        DataError: The file cannot be opened, or is not text.
    """
    check_encoding(asked)
    try:
        with _bytes(path) as file:
            found = encoding_of(key, path, file.read(SAMPLE_BYTES), asked)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{key}: {path} cannot be read: {error}") from None
    if found is None:
        return GUESSES
    return ("utf-8-sig",) if codecs.lookup(found).name == "utf-8" else (found,)


def beginning(key: str, path: Path, encoding: str, config: Data) -> TextFile:
    """The file's first rows as a text file of their own, with the dialect and the names that are found from them.

    Raises:
        DataError: The file has not the columns it should.
        WrongEncodingError: The encoding is another.
    """
    with io.TextIOWrapper(_bytes(path), encoding, newline="") as lines:
        start = _whole_rows(key, path, lines, SAMPLE_BYTES)
    content = Content(key, path, start)
    dialect = find_dialect(content, config)
    return TextFile(content, dialect, column_names(content, dialect, config), config)


def beginning_of(config: Data, columns: Sequence[str]) -> dict[str, list[str]]:
    """Texts of some columns in the first rows of the first file; none where it is no text file."""
    if config.path is None or is_url(config.path) or config.name != "table":
        return {}
    key, path = table_files(config)[0]
    if path.name.lower().endswith(PARQUET):
        return {}
    for encoding in encodings_of(key, path, config.encoding):
        with contextlib.suppress(WrongEncodingError):
            texts = beginning(key, path, encoding, config).texts(columns)
            return {name: texts[name].dropna().tolist() for name in columns}
    return {}


def pieces(start: TextFile, encoding: str, n_bytes: int) -> Iterator[TextFile]:
    """The whole file, some `n_bytes` of whole rows at a time, each piece a text file without a header.

    Raises:
        DataError: The file is broken.
        WrongEncodingError: The encoding is another.
    """
    key, path = start.content.key, start.content.path
    config = start.config.model_copy(update={"header": False, "columns": start.names})
    with io.TextIOWrapper(_bytes(path), encoding, newline="") as lines:
        if start.config.header:
            _skip_header(key, path, lines, start.dialect.comment)
        while rows := _whole_rows(key, path, lines, n_bytes):
            if rows.strip():
                yield TextFile(Content(key, path, rows), start.dialect, start.names, config)


def _whole_rows(key: str, path: Path, lines: io.TextIOWrapper, n_characters: int) -> bytes:
    """Lines of about so many characters; a value in quotation marks that goes on in the next line stays whole."""
    try:
        text = lines.read(n_characters) + lines.readline()
        while text.count('"') % 2 and (line := lines.readline()):
            text += line
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise WrongEncodingError(
            f"{key}: {path} cannot be read as {error.encoding}: it holds the byte 0x{byte:02x}"
        ) from None
    except (UnicodeError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{key}: {path} cannot be read: {error}") from None
    return text.encode()


def _skip_header(key: str, path: Path, lines: io.TextIOWrapper, comment: str | None) -> None:
    """Passes the first record that is not blank."""
    while header := _whole_rows(key, path, lines, 0).decode():
        if (without_comment(header, comment) if comment else header).strip():
            return


def _bytes(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]
