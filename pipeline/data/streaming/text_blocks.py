"""Reads a text file in pieces of whole rows, as UTF-8, without holding all of it."""

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
from pipeline.data.reading.content import GUESSES, SAMPLE_BYTES, Content, check_encoding, encoding_of
from pipeline.data.reading.csv_file import TextFile
from pipeline.data.reading.data_files import PARQUET
from pipeline.data.reading.dialect import column_names, find_dialect, without_comment
from pipeline.data.reading.typed_tables import is_url
from pipeline.data.streaming.budget import table_files
from pipeline.errors import DataError


class WrongEncodingError(Exception):
    """Bytes that are invalid in the encoding; `auto` may try another."""


def encodings_of(key: str, path: Path, asked: str) -> tuple[str, ...]:
    """Encodings to try: the one that was set or that the file's first bytes imply, else GUESSES.

    Args:
        key: The key that names the file.
        path: The file.
        asked: `auto` or the name of an encoding.

    Raises:
        DataError: The file cannot be opened or is not text.
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
    """The file's first rows as a text file of its own, with the dialect and the names inferred from them.

    Args:
        key: The key that names the file.
        path: The file.
        encoding: Its encoding.
        config: The data section.

    Raises:
        DataError: The file lacks columns.
        WrongEncodingError: The file has another encoding.
    """
    with io.TextIOWrapper(_bytes(path), encoding, newline="") as lines:
        start = _whole_rows(key, path, lines, SAMPLE_BYTES)
    content = Content(key, path, start)
    dialect = find_dialect(content, config)
    return TextFile(content, dialect, column_names(content, dialect, config), config)


def beginning_of(config: Data, columns: Sequence[str]) -> dict[str, list[str]]:
    """Texts of some columns in the first rows of the first file; empty if it is not a text file.

    Args:
        config: The data section.
        columns: Names of columns.
    """
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
    """The whole file, about `n_bytes` of whole rows at a time, each piece a text file without a header.

    Args:
        start: The file's beginning.
        encoding: Its encoding.
        n_bytes: Bytes of a piece.

    Raises:
        DataError: The file is broken.
        WrongEncodingError: The file has another encoding.
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
    """About `n_characters` of whole lines; a quoted value that continues in the next line stays whole."""
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
    """Skips the first record that is not blank."""
    while header := _whole_rows(key, path, lines, 0).decode():
        if (without_comment(header, comment) if comment else header).strip():
            return


def _bytes(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]
