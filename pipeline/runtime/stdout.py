"""Standard output that may be a file on a disk that is full, or a terminal that is gone: the work goes on without."""

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
    """A text stream that loses what it cannot write, and says so once; a reader that has gone is an error as ever.

    Attributes:
        is_lost: Whether something was lost.
        is_log: Whether what is printed only tells how work goes on, and is kept elsewhere.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_lost = self.is_log = False
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes, or not."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Hands over what is buffered, or not."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def give_up(self) -> None:
        """Has Python not stumble over what is still buffered when it ends."""
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
            tell(f"{about}; the command goes on without")


def _room(stream: TextIO) -> str:
    """What is left where the stream is a file and the system tells which, as Linux does."""
    with contextlib.suppress(OSError, ValueError):
        path = Path(f"/proc/self/fd/{stream.fileno()}").resolve()
        if path.is_file():
            return f"; {room(path)}"
    return ""


@contextlib.contextmanager
def lossy_output() -> Iterator[Output]:
    """Has what is printed meanwhile go to such a stream; within another of its kind to that."""
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
