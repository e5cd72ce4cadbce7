"""Sending of a run of this process, by the worker."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any

from pipeline.errors import TrackingError
from pipeline.track.spool.folders import Spooled
from pipeline.track.spool.journal import Journal
from pipeline.track.worker.client import GONE, worker
from pipeline.track.worker.lines import Message

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0
FAIL_SECONDS = 10.0  # to wait for a store to close a run
LOOK_SECONDS = 0.2  # between two checks whether the store has stopped responding


class Sender:
    """Has the worker send the journal regularly, and continue when the store answers again.

    Attributes:
        moved_at: When the store last accepted something, by `time.monotonic`.
    """

    def __init__(self, journal: Journal, seconds: float = 0.0) -> None:
        """Starts sending, and waits for the first attempt.

        Args:
            journal: Of the run; it is released when sending has ended.
            seconds: How long to wait. A refusal after that is only a warning: the run goes on, and its folder is kept.

        Raises:
            TrackingError: The worker cannot be started, or has ended.
        """
        self._journal, self._run = journal, journal.folder.id
        self._uri = str(journal.folder.header["uri"])
        self.moved_at = time.monotonic()
        self._changed = threading.Condition()
        self._state: dict[str, Any] = dict(journal.folder.sent) | {
            "away": None, "refusal": None, "is_tried": False, "is_ended": False,
        }  # fmt: skip
        self._is_late = self._is_warned = False
        self._begin(again=False)
        with self._changed:
            self._changed.wait_for(lambda: self._state["is_tried"] or self._state["is_ended"], seconds)
            self._is_late = True

    @property
    def folder(self) -> Spooled:
        """Folder of the run."""
        return self._journal.folder

    @property
    def run_id(self) -> str | None:
        """Id in the store; None before the run is made."""
        found: str | None = self._state["run_id"]
        return found

    @property
    def artifact_uri(self) -> str | None:
        """Address of the run's artifacts in the store."""
        found: str | None = self._state["artifact_uri"]
        return found

    @property
    def away(self) -> str | None:
        """Since when the store does not answer, and its error; None while it answers."""
        found: str | None = self._state["away"]
        return found

    @property
    def refusal(self) -> TrackingError | None:
        """Why the store does not make the run, by its latest answer; None if it does or has not answered."""
        text = self._state["refusal"]
        return None if text is None else TrackingError(text)

    def wake(self) -> None:
        """Has new entries sent now."""
        self._worker.notify("wake", run=self._run)

    def finish(self, seconds: float) -> bool:
        """Sends the rest of a run that has ended; returns whether the store has received all of it.

        Args:
            seconds: How long to wait for an unresponsive store before the rest is left to `sync`.
        """
        self.moved_at = time.monotonic()
        with self._changed:
            self._state["refusal"] = None  # the next attempt tells it again
        if self._worker.is_gone and not self._state["is_complete"]:
            with contextlib.suppress(TrackingError, OSError):  # then the rest is left to `sync`
                self._begin(again=True)
        self.wake()
        with self._changed:
            while not self._is_over and time.monotonic() - self.moved_at < seconds:
                self._changed.wait(LOOK_SECONDS)
        self.stop()
        return bool(self._state["is_complete"])

    @property
    def _is_over(self) -> bool:
        """Whether there is nothing to wait for: sending has ended, or the store refuses the run."""
        return self._state["is_ended"] or self._state["refusal"] is not None

    def abandon(self, why: str) -> None:
        """Closes the run as FAILED in the store, if that answers, after its journal could not be written."""
        self.stop()
        if self.run_id is not None:
            failed = self._worker.ask("fail", uri=self._uri, run_id=self.run_id, why=why)
            with contextlib.suppress(TimeoutError):
                failed.exception(FAIL_SECONDS)

    def _begin(self, *, again: bool) -> None:
        self._worker = worker()
        with self._changed:
            self._state["is_ended"] = False
        self._worker.listen(self._run, self._on_message)
        self._worker.ask("send", [self._journal.lock], folder=str(self.folder.path), again=again).result()

    def stop(self) -> None:
        """Ends sending, and releases the journal."""
        if not self._state["is_ended"]:
            self._worker.notify("stop", run=self._run)
            with self._changed:
                self._changed.wait_for(lambda: self._state["is_ended"], STOP_SECONDS)  # longer only if a call hangs
        self._worker.stop_listening(self._run)
        self._journal.release()

    def _on_message(self, message: Message) -> None:
        """Handles a message of the worker; an empty one means that it has ended."""
        with self._changed:
            if "is_complete" in message:
                self.moved_at = time.monotonic()
            gone = {"is_ended": True, "away": f"since {time.strftime('%H:%M:%S')} ({GONE})"}
            self._state |= message or gone
            self._changed.notify_all()
        if self._state["is_complete"]:
            self._journal.release()
        if self._is_late and not self._is_warned and message.get("refusal") is not None:
            self._is_warned = True
            log.warning("the store refuses the run (%s); it goes on, and is kept in the spool", message["refusal"])
