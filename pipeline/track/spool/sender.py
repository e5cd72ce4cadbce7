"""The thread that sends a run of this process to the store."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable

from pipeline.track.spool.folders import Spooled
from pipeline.track.spool.log_to_mlflow import Transfer, is_refused
from pipeline.track.store import said

log = logging.getLogger(__name__)

SEND_SECONDS = 2.0  # between two calls: each takes milliseconds, as much as short epochs
RETRY_SECONDS = 1.0  # between two attempts while the store does not answer
STOP_SECONDS = 1.0
TURN_SECONDS = 0.2  # between two checks for a stop while waiting for the turn
FEW = 4  # runs of a process up to which each sends every SEND_SECONDS; more runs send less often

# Only one run of a process sends at a time: simultaneous writers wait longer in SQLite than writing takes.
_turn = threading.Lock()
_sending: set[threading.Thread] = set()


def _begin_anew() -> None:
    """Resets the lock in a forked process, which lacks the thread that may hold it."""
    global _turn
    _turn = threading.Lock()
    _sending.clear()


os.register_at_fork(after_in_child=_begin_anew)


class Sender:
    """Sends regularly, and continues when the store answers again.

    Attributes:
        refusal: Why the store refuses the run; sending stops then.
    """

    def __init__(self, folder: Spooled, release: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            folder: Of the run.
            release: Called when sending has ended.
        """
        self.transfer, self._uri = Transfer(folder, alive=True), str(folder.header["uri"])
        self._release = release
        self.refusal: Exception | None = None
        self._away: str | None = None  # since when, and why
        self._wake, self._tried = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="sender", daemon=True)
        self._thread.start()

    @property
    def away(self) -> str | None:
        """Since when the store does not answer, and its error; None while it answers."""
        return self._away

    def wait_for_first(self, seconds: float) -> None:
        """Waits until the first attempt has ended."""
        self._tried.wait(seconds)

    def finish(self, seconds: float) -> bool:
        """Sends the rest of a run that has ended; returns whether the store has received all of it.

        Args:
            seconds: How long to wait for an unresponsive store before the rest is left to `sync`.
        """
        began = time.monotonic()
        self._wake.set()
        while self._thread.is_alive() and time.monotonic() - max(began, self.transfer.moved_at) < seconds:
            self._thread.join(0.2)
        self._stop()
        return self.transfer.is_complete

    def abandon(self, why: str) -> None:
        """Closes the run as FAILED in the store, if that answers, after its journal could not be written."""
        self._stop()
        if self.transfer.run_id is not None:
            with contextlib.suppress(Exception):
                self.transfer.fail(why)

    def _stop(self) -> None:
        self.transfer.is_stopped = True
        self._wake.set()
        self._thread.join(STOP_SECONDS)  # it takes longer only if a call hangs

    def _work(self) -> None:
        _sending.add(threading.current_thread())
        try:
            self._work_on()
        finally:
            _sending.discard(threading.current_thread())

    def _work_on(self) -> None:
        while not self.transfer.is_complete and not self.transfer.is_stopped and self.refusal is None:
            pause = self._send()
            if self.transfer.is_complete:
                break
            self._tried.set()
            self._wake.wait(pause)
            self._wake.clear()
        if self.transfer.is_complete or self.refusal is not None:
            self.transfer.folder.remove()
        self._release()
        self._tried.set()

    def _send(self) -> float:
        """Sends once; returns the seconds until the next attempt."""
        turn = _turn
        while not turn.acquire(timeout=TURN_SECONDS):
            if self.transfer.is_stopped:
                return 0.0
        try:
            self.transfer.send()
        except Exception as error:  # no error may stop training
            if self.transfer.run_id is None and is_refused(error):
                self.refusal = error
            elif self._away is None:
                self._away = f"since {time.strftime('%H:%M:%S')} ({said(self._uri, error)})"
                log.warning("the store does not answer %s; the run continues, and is sent when it does", self._away)
            return RETRY_SECONDS
        finally:
            turn.release()
        if self._away is not None:
            log.info("the store answers again")
            self._away = None
        return SEND_SECONDS * max(1.0, len(_sending) / FEW)
