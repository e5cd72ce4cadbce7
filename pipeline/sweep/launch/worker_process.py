"""A process that runs the jobs that it receives on a connection; when the connection closes, it ends."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle

from pipeline.runtime import signals
from pipeline.runtime.atomic_files import own_temporary_files
from pipeline.runtime.startup import use_threads
from pipeline.sweep.launch import remote_job
from pipeline.sweep.launch.devices import Share

GRACE_SECONDS = 30.0  # to close an interrupted run before the process exits in any case


def main(connection: Connection) -> int:
    """Runs jobs until the connection closes; returns the exit code."""
    signals.default()
    random.seed()  # forked processes share the state of the generator
    _be_first_to_go()
    try:
        with signals.signals_raise(), own_temporary_files():
            _work(connection)
    except KeyboardInterrupt as interrupt:
        return signals.exit_code(interrupt)
    return 0


class Inbox:
    """Receives messages while the main thread works: jobs, and signals to stop.

    A closed connection, which means that the other process has ended, counts as a signal to stop.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._received: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._busy = False
        self._sending = threading.Lock()
        threading.Thread(target=self._receive, daemon=True).start()

    def get(self) -> Any:
        """Waits for the next message; None after the last one."""
        return self._received.get()

    def tell(self, kind: str, *content: Any) -> None:
        """Sends a message; drops it if the connection is closed.

        Args:
            kind: Such as `said`; see Event of stream.py.
            *content: The rest of the message.
        """
        with self._sending, contextlib.suppress(OSError):
            self._connection.send((kind, *content))

    def done(self) -> None:
        """Records that the current job has ended."""
        self._busy = False

    def _receive(self) -> None:
        while True:
            try:
                message = cloudpickle.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                message = signal.SIGTERM
            if isinstance(message, signal.Signals):
                break
            self._busy = isinstance(message, remote_job.Job)
            self._received.put(message)
        self._received.put(None)
        if self._busy:
            signal.pthread_kill(threading.main_thread().ident or 0, message)
            time.sleep(GRACE_SECONDS)
            os._exit(1)


def _work(connection: Connection) -> None:
    inbox = Inbox(connection)
    inbox.tell("started", os.getpid())
    while (message := inbox.get()) is not None:
        if isinstance(message, Share):
            share = message
            use_threads(share.threads)
        elif isinstance(message, remote_job.LaunchedSweep):
            sweep = message
        else:
            _use_environment({**message.environment, **share.environment()})
            with printing_to(message.output):
                outcome = remote_job.run(sweep, message, lambda level, text: inbox.tell("said", level, text))
            inbox.done()
            inbox.tell("ended", outcome)


def _use_environment(wanted: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


@contextlib.contextmanager
def printing_to(path: Path) -> Iterator[None]:
    """Redirects stdout and stderr, also of C++ code, to a file: the lines of several workers would mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.dup(1), os.dup(2)
    _flush()
    with path.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    try:
        yield
    finally:
        _flush()
        for number, kept in enumerate(before, start=1):
            os.dup2(kept, number)
            os.close(kept)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _be_first_to_go() -> None:
    """Makes Linux kill a worker first if memory runs out: that loses one trial, not the sweep."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
