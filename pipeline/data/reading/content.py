"""The characters of a text file: decompressed, decoded, and checked to be text."""

import codecs
import gzip
import io
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import DataError

log = logging.getLogger(__name__)

SAMPLE_BYTES = 1 << 18  # of the beginning, from which the delimiter and columns are inferred
# What `data.encoding=auto` tries in turn where a file has no byte-order mark; the last accepts any byte.
GUESSES = ("utf-8-sig", "cp1252", "latin-1")
BOMS = {  # longest first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OTHER_FORMATS = {
    b"PAR1": "Parquet; name it .parquet",
    b"\x1f\x8b": "gzipped; name it .gz",
    b"PK\x03\x04": "a spreadsheet or zip archive; save it as CSV",
    b"SQLite format 3": "an SQLite database; read it with data.query and data.path=sqlite:///its/path",
}


@dataclass(frozen=True)
class Content:
    """A text file as UTF-8: its path if it is encoded so, otherwise its bytes after conversion."""

    key: str  # the key that names the file: data.path or data.split.test_path
    path: Path
    source: Path | bytes

    def open(self) -> BinaryIO:
        """The bytes from the beginning."""
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")

    def lines(self) -> io.TextIOWrapper:
        """The characters from the beginning, line ends as they are."""
        return io.TextIOWrapper(self.open(), encoding="utf-8-sig", newline="")

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def sample(self) -> str:
        """Whole lines from the beginning."""
        with self.open() as file:
            start = file.read(SAMPLE_BYTES)
            return (start + file.readline()).decode("utf-8-sig")


def text_content(key: str, path: Path, encoding: str) -> Content:
    """Finds the encoding of a file, if `encoding` is auto, and offers its characters as UTF-8.

    `auto`: the byte-order mark if there is one, else UTF-8, else cp1252 or, if a byte is undefined in that, latin-1. A
    large file may turn out later not to be UTF-8; then `reencoded` converts it.

    Args:
        key: The key that names the file.
        path: The file.
        encoding: `auto` or the name of an encoding.

    Raises:
        DataError: The file cannot be opened, is not text, or not in the given encoding.
    """
    check_encoding(encoding)
    source = _decompressed(key, path) if path.suffix.lower() == ".gz" else path
    content = Content(key, path, source)
    try:
        with content.open() as file:
            start = file.read(SAMPLE_BYTES)
            rest_of_line = file.readline()
    except OSError as error:
        raise DataError(f"{key}: {path} cannot be read: {error}") from None
    found = encoding_of(key, path, start, encoding)
    if found is None or codecs.lookup(found).name in ("utf-8", "utf-8-sig"):
        try:
            (start + rest_of_line).decode("utf-8")
        except UnicodeDecodeError:
            return reencoded(content, encoding)
        return content
    return _transcoded(content, found)


def encoding_of(key: str, path: Path, start: bytes, encoding: str) -> str | None:
    """The encoding that was set, or that the first bytes imply; None if they imply none.

    Args:
        key: The key that names the file.
        path: The file.
        start: Its first bytes.
        encoding: `auto` or the name of an encoding.

    Raises:
        DataError: The bytes are not those of a text file.
    """
    for magic, what in OTHER_FORMATS.items():
        if start.startswith(magic):
            raise DataError(f"{key}: {path} cannot be read as text: it is {what}")
    found = (
        next((name for bom, name in BOMS.items() if start.startswith(bom)), None) if encoding == "auto" else encoding
    )
    if found is None and b"\0" in start:
        line = start[: start.index(b"\0")].count(b"\n") + 1
        raise DataError(
            f"{key}: {path} cannot be read as text: line {line} holds a zero byte; if it is UTF-16, set "
            "data.encoding=utf-16"
        )
    return found


def reencoded(content: Content, encoding: str) -> Content:
    """The content to read if a file has turned out not to be UTF-8.

    Args:
        content: The file.
        encoding: `auto` or the name of an encoding.

    Raises:
        DataError: The config requests UTF-8.
    """
    if encoding != "auto":
        return _transcoded(content, encoding)
    try:
        transcoded, name = _transcoded(content, GUESSES[1]), GUESSES[1]
    except DataError:
        transcoded, name = _transcoded(content, GUESSES[2]), GUESSES[2]
    log.info("%s is not UTF-8; read as %s (data.encoding sets another)", content.path, name)
    return transcoded


def check_encoding(encoding: str) -> None:
    """Raises DataError if an encoding's name is unknown."""
    try:
        known = encoding == "auto" or codecs.lookup(encoding)
        "".encode(encoding if encoding != "auto" else "utf-8")  # codecs such as base64 do not encode text
    except (LookupError, ValueError):
        known = None
    if not known:
        raise DataError(f"data.encoding: unknown encoding {encoding!r}; use auto, utf-8, cp1252, latin-1 or utf-16")


def _decompressed(key: str, path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{key}: {path} cannot be read: {error}") from None


def _transcoded(content: Content, encoding: str) -> Content:
    with content.open() as file:
        given = file.read()
    try:
        return Content(content.key, content.path, given.decode(encoding).encode())
    except UnicodeDecodeError as error:
        line = given[: error.start].count(b"\n") + 1
        raise DataError(
            f"data.encoding: {content.path} cannot be read as {encoding}: line {line} holds the byte "
            f"0x{given[error.start]:02x} ({error.reason}); set data.encoding=auto, or the encoding it was saved in"
        ) from None
    except UnicodeError as error:
        raise DataError(f"data.encoding: {content.path} cannot be read as {encoding}: {error}") from None
