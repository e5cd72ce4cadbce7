"""Locks between processes of one machine, which the system takes back when their owner dies."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[IO[str] | None]:
    """Holds the lock that a file stands for; the file is made if need be, and stays.

    Args:
        path: The file, in a folder that exists.
        wait: For the process that holds the lock, as long as it takes.

    Yields:
        The open file; None at once where another process holds the lock and `wait` is False.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        yield file
