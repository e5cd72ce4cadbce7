"""Standard output that may fail, on a full disk or with a closed terminal, without ending the command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from pipeline.runtime.atomic_files import room
from pipeline.runtime.stderr import tell


class Output:
    """A text stream that drops what it cannot write, and reports that once; a broken pipe still raises.

    Attributes:
        is_lost: Whether something was dropped.
        is_log: Whether the output is only progress, which is also recorded elsewhere.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_lost = self.is_log = False
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes a text, or drops it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Flushes the buffer, or drops it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def give_up(self) -> None:
        """Discards what is still buffered after an error, so that Python does not fail on it at exit."""
        self.flush()
        if self.is_lost and self._stream is sys.__stdout__:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise error
        if not self.is_lost:
            self.is_lost = True
            about = f"standard output cannot be written: {error.strerror}{_room(self._stream)}"
            tell(f"{about}; the command continues without it")


def _room(stream: TextIO) -> str:
    """Describes the free space if the stream is a file whose path the system knows, as Linux does."""
    with contextlib.suppress(OSError, ValueError):
        path = Path(f"/proc/self/fd/{stream.fileno()}").resolve()
        if path.is_file():
            return f"; {room(path)}"
    return ""


@contextlib.contextmanager
def lossy_output() -> Iterator[Output]:
    """Redirects standard output to an Output inside the block; a nested call uses the outer one."""
    before = sys.stdout
    if isinstance(before, Output):
        yield before
        return
    found = Output(before)
    sys.stdout = cast(TextIO, found)
    try:
        yield found
    finally:
        sys.stdout = before
        found.give_up()
