"""One process at a time on a trial: a lock that the system takes back when its owner dies."""

import contextlib
import os
from collections.abc import Iterator

from pipeline.runtime.atomic_files import shared_temporary
from pipeline.runtime.locks import locked


@contextlib.contextmanager
def claimed(name: str, wait: bool) -> Iterator[bool]:
    """Holds a lock of that name; gives False at once where another process has it, unless told to wait."""
    folder = shared_temporary() / f"dense-pipeline-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.lock"
    while True:
        with locked(path, wait=wait) as lock:
            if lock is None:
                yield False
                return
            # Whoever held the lock before may have removed the file since: then it says nothing any more.
            if not path.exists() or path.stat().st_ino != os.fstat(lock.fileno()).st_ino:
                continue
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return
