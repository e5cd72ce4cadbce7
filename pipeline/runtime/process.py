"""Which process something belongs to, and whether that process is gone."""

import contextlib
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil

SIGN_SECONDS = 60.0  # between two signs of life
LOST_SECONDS = 900.0  # without a sign of life, after which a process of another machine counts as gone
SAME_START = 2.0  # seconds by which two readings of one process's start may differ


def name() -> str:
    """This process, as `<machine>/<number>/<start in seconds since 1970>`; the number alone would come again."""
    return f"{platform.node()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def module_path() -> str:
    """PYTHONPATH for another process that is to find the modules that this one does."""
    return os.pathsep.join(os.path.abspath(place) for place in sys.path)  # noqa: PTH100 - "" is a place too


def is_gone(process: str, sign_of_life: float) -> bool:
    """Whether a process has ended.

    Args:
        process: What `name` said there.
        sign_of_life: When it was last heard of, in seconds since 1970; all that is known of another machine's.
    """
    machine, number, start = process.rsplit("/", 2)
    if machine != platform.node():
        return time.time() - sign_of_life > LOST_SECONDS
    try:
        found = psutil.Process(int(number))
        return found.status() == psutil.STATUS_ZOMBIE or abs(found.create_time() - float(start)) > SAME_START
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def signs_of_life(tell: Callable[[], None]) -> Iterator[None]:
    """Calls `tell` from time to time, beside whatever else is done."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(SIGN_SECONDS):
            with contextlib.suppress(Exception):  # a store that is out of reach: the work itself will tell of it
                tell()

    teller = threading.Thread(target=repeat, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
