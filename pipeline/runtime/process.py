"""Names of processes, and whether a process has ended."""

import contextlib
import functools
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil

SIGN_SECONDS = 60.0  # between two signs of life
LOST_SECONDS = 900.0  # without a sign of life after which a process of another machine counts as ended
SAME_START = 2.0  # seconds by which two readings of a process's start time can differ


def name() -> str:
    """Returns `<machine>/<process id>/<start in seconds since 1970>` of this process; ids alone are reused."""
    return f"{platform.node()}/{os.getpid()}/{_start(os.getpid()):.2f}"


@functools.cache
def _start(number: int) -> float:
    """Returns when a process started; reading it takes 1.5 ms."""
    start: float = psutil.Process(number).create_time()
    return start


def module_path() -> str:
    """Returns a PYTHONPATH with which another process finds the same modules."""
    return os.pathsep.join(os.path.abspath(place) for place in sys.path)  # noqa: PTH100 - "" is the current folder


def is_gone(process: str, sign_of_life: float) -> bool:
    """Whether a process has ended.

    Args:
        process: Its `name`.
        sign_of_life: Time of its last sign of life, in seconds since 1970, which decides for another machine.
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
def heartbeat(beat: Callable[[], None]) -> Iterator[None]:
    """Calls `beat` every SIGN_SECONDS in a thread."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(SIGN_SECONDS):
            with contextlib.suppress(Exception):  # the store is unreachable: the main thread reports it
                beat()

    teller = threading.Thread(target=repeat, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
