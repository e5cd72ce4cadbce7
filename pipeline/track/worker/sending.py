"""The threads that send runs to the store, one for each run."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from pipeline.track.spool.folders import Spooled
from pipeline.track.spool.log_to_mlflow import Transfer, is_away, is_refused
from pipeline.track.store import as_tracking_error, said

log = logging.getLogger(__name__)

SEND_SECONDS = 2.0  # between two calls
RETRY_SECONDS = 1.0  # between two attempts while the store does not answer
TURN_SECONDS = 0.2  # between two checks for a stop while waiting for the turn
FEW = 4  # runs of a process up to which each sends every SEND_SECONDS; more runs send less often

# Only one run of a process sends at a time: simultaneous writers wait longer in SQLite than writing takes.
_turn = threading.Lock()
_sending: set[threading.Thread] = set()


class Sending:
    """Sends regularly, and continues when the store answers again."""

    def __init__(self, folder: Spooled, lock: int, report: Callable[[dict[str, Any]], None], *, again: bool) -> None:
        """Starts the thread.

        Args:
            folder: Of the run.
            lock: Open file that locks the folder; it is closed when sending has ended.
            report: Called with new facts about the run: how much is sent, and whether the store answers.
            again: Whether another worker has started to send it.
        """
        self._folder, self._lock, self._report = folder, lock, report
        self._transfer = Transfer(folder, alive=True, is_tried=again, moved=self._has_moved)
        self._uri = str(folder.header["uri"])
        self._away: str | None = None  # since when, and why
        self._refusal: str | None = None  # why the store does not make the run
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sender", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Sends new entries now."""
        self._wake.set()

    def stop(self) -> None:
        """Ends sending."""
        self._transfer.is_stopped = True
        self._wake.set()

    def _work(self) -> None:
        _sending.add(threading.current_thread())
        try:
            self._work_on()
        finally:
            _sending.discard(threading.current_thread())
            os.close(self._lock)
            self._report({"is_ended": True})

    def _work_on(self) -> None:
        while not self._transfer.is_complete and not self._transfer.is_stopped:
            pause = self._send()
            if not self._transfer.is_complete:
                self._report({"is_tried": True, "away": self._away, "refusal": self._refusal})
                self._wake.wait(pause)
                self._wake.clear()
        if self._transfer.is_complete:
            self._folder.remove()

    def _send(self) -> float:
        """Sends once; returns the seconds until the next attempt."""
        while not _turn.acquire(timeout=TURN_SECONDS):
            if self._transfer.is_stopped:
                return 0.0
        try:
            self._transfer.send()
        except Exception as error:  # no error may end the thread
            self._has_failed(error)
            return RETRY_SECONDS
        finally:
            _turn.release()
        if (self._away or self._refusal) and not self._transfer.is_stopped:  # stopped half-way it has told nothing
            log.info("the store accepts the run again" if self._refusal else "the store answers again")
            self._away = self._refusal = None
        return SEND_SECONDS * max(1.0, len(_sending) / FEW)

    def _has_failed(self, error: Exception) -> None:
        """Keeps why an attempt has failed. The process of the run reports a refusal, which may end it."""
        if self._transfer.run_id is None and is_refused(error):
            self._away, self._refusal = None, str(as_tracking_error(self._uri, error))
            return
        self._refusal = None
        if self._away is None:
            self._away = f"since {time.strftime('%H:%M:%S')} ({said(self._uri, error)})"
            what = "answer" if is_away(error) else "accept all of the run"
            log.warning("the store does not %s %s; the run continues, and is sent when it does", what, self._away)

    def _has_moved(self, sent: dict[str, Any]) -> None:
        known = {name: sent[name] for name in ("run_id", "artifact_uri", "is_complete")}
        self._report(known)
