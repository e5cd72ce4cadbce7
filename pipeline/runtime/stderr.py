"""Standard error: writes a line if possible, and filters output, including that of C++ code."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


def tell(text: str) -> None:
    """Writes a line to standard error; ignores errors, which could not be reported."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


@contextlib.contextmanager
def only_lines(wanted: Callable[[bytes], bool]) -> Iterator[None]:
    """Buffers standard error, and passes on the wanted lines at the end; all lines if the block raised."""
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
            with contextlib.suppress(OSError):  # it may be a file on a full disk
                os.write(2, b"".join(line for line in said if failed or wanted(line)))
