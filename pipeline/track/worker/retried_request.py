"""Requests for work that another worker can do again."""

from __future__ import annotations

import contextlib
from typing import Any

from pipeline.track.worker.client import WorkerEndedError, worker


class RetriedRequest:
    """A request that is sent again, to another worker, if the first ends before it answers.

    Args:
        what: A method in `requests.py` that may be called twice.
        **content: Its arguments.

    Raises:
        TrackingError: The worker cannot be started.
    """

    def __init__(self, what: str, **content: Any) -> None:
        self._what, self._content = what, content
        self._answer = worker().ask(what, **content)

    def result(self, seconds: float | None = None) -> Any:
        """Waits for the answer.

        Args:
            seconds: How long; None: without limit.

        Raises:
            TimeoutError: The time is over.
            TrackingError: The second worker has ended too, or answers with this error; others that it answers with.
        """
        try:
            return self._answer.result(seconds)
        except WorkerEndedError:
            self._answer = worker().ask(self._what, **self._content)
            return self._answer.result(seconds)

    def wait(self, seconds: float) -> None:
        """Waits for an answer or the end of the worker, but not longer than these seconds."""
        with contextlib.suppress(TimeoutError):
            self._answer.exception(seconds)
