"""Turns SIGTERM, SIGINT and SIGHUP into exceptions that do not interrupt transactions and do not get lost.

By default they would leave runs RUNNING for ever. An exception from a signal handler is raised wherever Python happens
to be: inside a transaction of a store, or in a finalizer, whose exceptions Python prints and discards. So the handler
records the signal; `held` protects what must not be interrupted, and if Python has discarded the exception the next
`check` raises it again.
"""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

PATIENCE_SECONDS = 5.0  # for protected code and cleanup; a later signal is raised at once


class Terminated(KeyboardInterrupt):
    """SIGTERM was received, for example from a scheduler."""


class HungUp(KeyboardInterrupt):
    """SIGHUP was received: the terminal was closed."""


EXCEPTIONS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated, signal.SIGHUP: HungUp}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


class _Handler:
    """Raises a signal where it is allowed, and remembers it until cleanup has started."""

    def __init__(self) -> None:
        self.depth = 0  # number of nested `held` blocks
        self._came: signal.Signals | None = None
        self._since = 0.0
        self._is_leaving = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        is_first = self._came is None
        if not is_first and time.monotonic() - self._since < PATIENCE_SECONDS:
            return  # a second signal must not interrupt the closing of a run
        self._came, self._since, self._is_leaving = signal.Signals(number), time.monotonic(), False
        if not (is_first and self.depth):
            self.check()

    def check(self) -> None:
        """Raises the received signal, unless it has been caught."""
        if self._came is not None and not self._is_leaving:
            raise EXCEPTIONS[self._came]

    def leave(self) -> None:
        """Marks the received signal as caught."""
        self._is_leaving = True


_handler = _Handler()


class held(contextlib.ContextDecorator):  # noqa: N801 - reads as a function
    """Delays signals until the end of the block or of the decorated function."""

    def __enter__(self) -> None:
        if _is_main_thread():
            _handler.depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if _is_main_thread():
            _handler.depth -= 1
            if not _handler.depth and not isinstance(error, KeyboardInterrupt):
                _handler.check()


def check() -> None:
    """Raises a delayed or discarded signal; does nothing outside the main thread."""
    if _is_main_thread():
        _handler.check()


def leave() -> None:
    """Call it after catching the exception, so that the signal does not interrupt the closing of a run."""
    _handler.leave()


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Makes signals raise exceptions inside the block; does nothing outside the main thread, which gets the signals.

    A nested call does nothing: the outer one applies until its block ends. Signals that it received are then forgotten,
    because the process can continue (a notebook). A signal that the process ignores, as with `nohup`, stays ignored.
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
        if not isinstance(forgotten.exc_value, KeyboardInterrupt):  # it is raised again
            hook(forgotten)

    sys.unraisablehook = tell
    try:
        yield
        _handler.check()
    finally:
        _handler = _Handler()
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def default() -> None:
    """Restores the default handling of signals in a forked process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def number_of(interrupt: KeyboardInterrupt) -> signal.Signals:
    """Returns the signal of an exception."""
    return next(number for number, kind in EXCEPTIONS.items() if type(interrupt) is kind)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Returns 128 plus the signal's number, which shells expect of a process that a signal ended."""
    return 128 + number_of(interrupt)


def word(interrupt: KeyboardInterrupt) -> str:
    """Returns the word for a run that the signal ended, such as `interrupted`."""
    return WORDS[number_of(interrupt)]


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
