"""The worker: answers the requests on a connection."""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import TrackingError
from pipeline.runtime.atomic_files import own_temporary_files
from pipeline.runtime.startup import importing
from pipeline.track.spool.folders import Spooled
from pipeline.track.worker.lines import Lines, Message

if TYPE_CHECKING:
    from pipeline.track.worker.sending import Sending


# Modules that requests use, and those that they import lazily.
IMPORTED = (
    "pipeline.track.worker.requests", "pipeline.track.worker.sending", "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
)  # fmt: skip


def serve(end: socket.socket) -> None:
    """Answers requests until the connection ends, then exits without waiting for threads.

    What they have not sent is in the spool.

    Args:
        end: This end of the connection.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the client handles signals
        signal.signal(number, signal.SIG_IGN)
    lines = Lines(end)
    logging.getLogger().addHandler(_LogSender(lines))
    logging.getLogger("pipeline").setLevel(logging.INFO)  # of libraries, only warnings
    threading.Thread(target=_import, daemon=True).start()
    with own_temporary_files():
        Serving(lines).until_the_end()
    os._exit(0)


def _import() -> None:
    """Imports the modules before the first request."""
    with contextlib.suppress(Exception), importing():  # the request will report it
        for name in IMPORTED:
            importlib.import_module(name)


class Serving:
    """Answers each request in a thread, because a store may not respond."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._sendings: dict[str, Sending] = {}

    def until_the_end(self) -> None:
        """Answers requests until the connection ends."""
        for message, files in self._lines:
            self._take(message, files)

    def _take(self, message: Message, files: list[int]) -> None:
        if message["ask"] == "adopt_environment":
            _adopt_environment(**message["content"])
            return
        if message["number"] is None:
            sending = self._sendings.get(message["content"]["run"])
            if sending is not None:
                getattr(sending, message["ask"])()
            return
        threading.Thread(target=self._answer, args=(message, files), daemon=True).start()

    def _answer(self, message: Message, files: list[int]) -> None:
        found: dict[str, Any] = {"number": message["number"]}
        try:
            found["answer"] = self._done(message["ask"], files, message["content"])
        except TrackingError as error:
            found["error"] = {"kind": "TrackingError", "text": str(error)}
        except OSError as error:
            found["error"] = {"kind": "OSError", "number": error.errno, "text": error.strerror or str(error)}
        except Exception:
            found["error"] = {"kind": "RemoteError", "text": traceback.format_exc()}
        with contextlib.suppress(OSError):  # the client has ended
            self._lines.send(found)

    def _done(self, what: str, files: list[int], content: dict[str, Any]) -> Any:
        if what == "send":
            return self._send(files[0], **content)
        from pipeline.track.worker.requests import Requests  # lazy: MLflow takes seconds

        return getattr(Requests(), what)(**content)

    def _send(self, lock: int, folder: str, again: bool) -> None:
        from pipeline.track.worker.sending import Sending  # lazy too

        run = Spooled(Path(folder))
        try:
            self._sendings[run.id] = Sending(run, lock, functools.partial(self._report, run.id), again=again)
        except BaseException:
            os.close(lock)
            raise

    def _report(self, run: str, state: Mapping[str, Any]) -> None:
        """Sends new facts about a run."""
        if "is_ended" in state:
            self._sendings.pop(run, None)
        with contextlib.suppress(OSError):  # the client has ended
            self._lines.send({"run": run, **state})


def _adopt_environment(environment: Mapping[str, str], words: list[str], directory: str | None) -> None:
    """Adopts the environment of the client.

    Args:
        environment: Environment variables.
        words: Command line, from which MLflow makes tags.
        directory: Working directory; None if it was removed.
    """
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    sys.argv = words
    if directory is not None:
        with contextlib.suppress(OSError):
            os.chdir(directory)


class _LogSender(logging.Handler):
    """Sends log records to the client."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a record."""
        with contextlib.suppress(OSError):  # the client has ended
            self._lines.send({"log": [record.levelno, record.name, record.getMessage()]})
