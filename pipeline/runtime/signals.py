"""SIGTERM, SIGINT and SIGHUP as exceptions, which cut nothing in two and of which none is lost.

By themselves they would leave runs RUNNING for ever. An exception that a handler raises comes wherever Python happens
to be: within a transaction of a store, or in a finalizer, whose exceptions Python prints and forgets. So a signal is
remembered; what must not be cut in two is `held`, and where an exception was forgotten the next `check` raises it
again.
"""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

PATIENCE_SECONDS = 5.0  # for what is held and for the way out; another signal after them is raised wherever it comes


class Terminated(KeyboardInterrupt):
    """SIGTERM came, as schedulers send it."""


class HungUp(KeyboardInterrupt):
    """SIGHUP came: the terminal was closed."""


EXCEPTIONS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated, signal.SIGHUP: HungUp}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


class _Handler:
    """Raises what comes where it may, and remembers it until the way out has begun."""

    def __init__(self) -> None:
        self.depth = 0  # of regions that are held
        self._came: signal.Signals | None = None
        self._since = 0.0
        self._is_leaving = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        is_first = self._came is None
        if not is_first and time.monotonic() - self._since < PATIENCE_SECONDS:
            return  # what closes a run is not to be interrupted by the second of two signals
        self._came, self._since, self._is_leaving = signal.Signals(number), time.monotonic(), False
        if not (is_first and self.depth):
            self.check()

    def check(self) -> None:
        """Raises what came, unless it has been caught."""
        if self._came is not None and not self._is_leaving:
            raise EXCEPTIONS[self._came]

    def leave(self) -> None:
        """Takes what came as caught."""
        self._is_leaving = True


_handler = _Handler()


class held(contextlib.ContextDecorator):  # noqa: N801 - reads as a function
    """Puts signals off until the block, or the function that it decorates, ends."""

    def __enter__(self) -> None:
        if _is_main_thread():
            _handler.depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if _is_main_thread():
            _handler.depth -= 1
            if not _handler.depth and not isinstance(error, KeyboardInterrupt):
                _handler.check()


def check() -> None:
    """Raises what came while signals were held, or what Python forgot; outside the main thread it does nothing."""
    if _is_main_thread():
        _handler.check()


def leave() -> None:
    """To be called by whoever caught the exception: what closes a run is not to be interrupted by it once more."""
    _handler.leave()


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Makes the signals raise exceptions for a while; outside the main thread, which they go to, it does nothing.

    Within another one it does nothing either: the outer one stays in force until all that it surrounds is closed. A
    signal that the process was told to ignore, as by `nohup`, stays ignored.
    """
    global _handler
    if not _is_main_thread() or any(isinstance(signal.getsignal(number), _Handler) for number in EXCEPTIONS):
        yield
        return
    _handler = _Handler()
    heard = [number for number in EXCEPTIONS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _handler) for number in heard}
    hook = sys.unraisablehook

    def tell(forgotten: Any) -> None:
        if not isinstance(forgotten.exc_value, KeyboardInterrupt):  # which is raised again
            hook(forgotten)

    sys.unraisablehook = tell
    try:
        yield
        _handler.check()
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def default() -> None:
    """Has the process do with signals what processes do, whatever the one that forked it did."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def number_of(interrupt: KeyboardInterrupt) -> signal.Signals:
    """The signal that an exception stands for."""
    return next(number for number, kind in EXCEPTIONS.items() if type(interrupt) is kind)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """What a shell expects of a process that a signal ended: 128 and the signal's number."""
    return 128 + number_of(interrupt)


def word(interrupt: KeyboardInterrupt) -> str:
    """What to say of a run that the signal ended."""
    return WORDS[number_of(interrupt)]


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
