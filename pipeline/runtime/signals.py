"""SIGTERM, as schedulers send it, becomes an exception: by itself it would leave runs RUNNING for ever."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


class _Handler:
    """Raises at the first SIGTERM; a second one would interrupt the closing of what the first one ended."""

    def __init__(self) -> None:
        self._raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._raised:
            self._raised = True
            raise Terminated


@contextlib.contextmanager
def sigterm_raises() -> Iterator[None]:
    """Makes SIGTERM raise Terminated for a while; outside the main thread, which signals go to, it does nothing.

    Within another one it does nothing either: the outer one stays in force until all that it surrounds is closed.
    """
    elsewhere = threading.current_thread() is not threading.main_thread()
    if elsewhere or isinstance(signal.getsignal(signal.SIGTERM), _Handler):
        yield
        return
    before = signal.signal(signal.SIGTERM, _Handler())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """What a shell expects of a process that a signal ended: 128 and the signal's number."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)
