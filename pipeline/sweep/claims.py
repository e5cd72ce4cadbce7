"""Locks that keep a trial to one process at a time; the system releases them when the process ends."""

import contextlib
import os
from collections.abc import Iterator

from pipeline.runtime.atomic_files import shared_temporary
from pipeline.runtime.locks import locked


@contextlib.contextmanager
def claimed(name: str, wait: bool) -> Iterator[bool]:
    """Holds a lock, and yields whether it could be acquired.

    Args:
        name: Of the lock.
        wait: Waits for the lock; otherwise yields False at once if another process holds it.
    """
    folder = shared_temporary() / f"dense-pipeline-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.lock"
    while True:
        with locked(path, wait=wait) as lock:
            if lock is None:
                yield False
                return
            # The previous holder may have deleted the file: then a lock on it protects nothing.
            if not path.exists() or path.stat().st_ino != os.fstat(lock.fileno()).st_ino:
                continue
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return
