"""Standard error: a line that is written if it can be, and all held back for a while, also what C++ writes."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


def tell(text: str) -> None:
    """Writes a line. Where not even that can be written, nobody is there to be told."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


@contextlib.contextmanager
def only_lines(wanted: Callable[[bytes], bool]) -> Iterator[None]:
    """Holds standard error back until the block ends, then passes on the lines that are wanted; all, if it failed."""
    sys.stderr.flush()
    failed = True
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            with contextlib.suppress(OSError):  # it may be a file on a disk that is full
                os.write(2, b"".join(line for line in said if failed or wanted(line)))
