"""Standard error held back for a while, also what C++ writes to it."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


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
            os.write(2, b"".join(line for line in said if failed or wanted(line)))
