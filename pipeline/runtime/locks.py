"""Locks between processes of one machine, which the system releases when the process ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[IO[str] | None]:
    """Holds a lock on a file; makes the file if it is missing, and keeps it.

    Args:
        path: The file, in an existing folder.
        wait: Waits while another process holds the lock.

    Yields:
        The open file; None at once if another process holds the lock and `wait` is False.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        yield file
