"""The worker as its client sees it: starts it, and sends it requests."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError
from pipeline.runtime.process import module_path
from pipeline.track.address import store_uri
from pipeline.track.worker.lines import Lines, Message

COMMAND = ("-m", "pipeline.track.worker")
END_SECONDS = 1.0  # to wait for the end of the process after that of its connection
GONE = "the process that sends runs to the store has ended"

Listener = Callable[[Message], None]


class RemoteError(RuntimeError):
    """An unexpected error in the worker, with its traceback as text."""


class WorkerEndedError(TrackingError):
    """The worker has ended before it answered."""


class Worker:
    """A worker."""

    def __init__(self, end: socket.socket, process: subprocess.Popen[bytes] | None) -> None:
        """Starts to listen.

        Args:
            end: This end of the connection.
            process: The process, if this one must wait for its end.
        """
        self._lines, self._process = Lines(end), process
        self._numbers = itertools.count()
        self._answers: dict[int, Future[Any]] = {}
        self._listeners: dict[str, Listener] = {}
        self._changing = threading.Lock()
        self._expected: set[tuple[str, str]] = set()
        self._is_gone = False
        self._reader = threading.Thread(target=self._read, name="worker", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        """Id of the process; None if another process started it."""
        return None if self._process is None else self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether the worker has ended."""
        return self._is_gone

    def ask(self, what: str, files: Sequence[int] = (), **content: Any) -> Future[Any]:
        """Sends a request and returns its answer, which may be an error.

        Args:
            what: A method in `requests.py`.
            files: Open files to send with it.
            **content: Arguments of the method.
        """
        answer: Future[Any] = Future()
        number = next(self._numbers)
        with self._changing:
            self._answers[number] = answer
        try:
            self._lines.send({"ask": what, "number": number, "content": content}, files)
        except OSError:
            self._end()
        if self._is_gone:  # or it has ended meanwhile
            self._end()
        return answer

    def notify(self, what: str, **content: Any) -> None:
        """Sends a request without an answer; does nothing if the worker has ended."""
        with contextlib.suppress(OSError):
            self._lines.send({"ask": what, "number": None, "content": content})

    def expect(self, what: str, named: str) -> None:
        """Has the worker prepare for later requests, once.

        Args:
            what: A method in `requests.py`.
            named: Its argument.
        """
        if (what, named) not in self._expected:
            self._expected.add((what, named))
            self.ask(what, named=named)

    def send_environment(self) -> None:
        """Sends the environment of this process: MLflow, its stores and tags of runs depend on it."""
        self.notify("adopt_environment", environment=dict(os.environ), words=sys.argv, directory=_directory())

    def listen(self, run: str, listener: Listener) -> None:
        """Calls a function with each message about a run, and with an empty one at the end of the worker."""
        with self._changing:
            self._listeners[run] = listener
        if self._is_gone:
            self._end()

    def stop_listening(self, run: str) -> None:
        """Ends what `listen` has started."""
        with self._changing:
            self._listeners.pop(run, None)

    def close(self) -> None:
        """Ends the worker."""
        self._lines.shut()
        self._reader.join(END_SECONDS)
        self._lines.close()
        if self._process is None:
            return
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Disconnects a forked process; the worker stays with the process that started it."""
        self._lines.close()
        if self._process is not None:
            self._process.returncode = 0  # it is not a child of this process

    def _read(self) -> None:
        try:
            for message, _ in self._lines:
                self._take(message)
        finally:
            self._end()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)  # otherwise it would stay a zombie

    def _take(self, message: Message) -> None:
        if "log" in message:
            level, name, text = message["log"]
            logger = logging.getLogger(name)
            if logger.isEnabledFor(level):
                logger.handle(logger.makeRecord(name, level, "", 0, text, (), None))
            return
        if "run" in message:
            with self._changing:
                listener = self._listeners.get(message["run"])
            if listener is not None:
                listener(message)
            return
        with self._changing:
            answer = self._answers.pop(message["number"], None)
        if answer is None:  # its waiting has ended with the connection
            return
        if "error" in message:
            answer.set_exception(_raised(message["error"]))
        else:
            answer.set_result(message["answer"])

    def _end(self) -> None:
        """Ends all waiting with an error."""
        self._is_gone = True
        with self._changing:
            waiting, self._answers = list(self._answers.values()), {}
            listeners, self._listeners = list(self._listeners.values()), {}
        for answer in waiting:
            answer.set_exception(WorkerEndedError(f"{GONE}; run the command again"))
        for listener in listeners:
            listener({})


_worker: Worker | None = None
_starting = threading.Lock()


def worker() -> Worker:
    """Returns the worker of this process; starts one if there is none or it has ended.

    Raises:
        TrackingError: It cannot be started.
    """
    global _worker
    with _starting:
        if _worker is None or _worker.is_gone:
            if _worker is not None:
                _worker.close()
            _worker = _started()
            _worker.send_environment()
        return _worker


def adopt(end: socket.socket) -> None:
    """Makes a worker that already runs, at the other end of a connection, that of this process."""
    global _worker
    _worker = Worker(end, None)


def expect(config: Tracking) -> None:
    """Starts the worker in advance, which then imports MLflow and connects to the store.

    Args:
        config: The store.

    Raises:
        TrackingError: It cannot be started, or the address is not one of a store.
    """
    asked = worker()
    asked.send_environment()  # MLflow caches what depends on it
    asked.expect("expect_store", store_uri(config))


def connect_in_advance(config: Tracking) -> None:
    """Has the worker connect to the store, and make it if it does not exist; `reach` raises its errors.

    Args:
        config: The store.

    Raises:
        TrackingError: The worker cannot be started, or the address is not one of a store.
    """
    asked = worker()
    asked.send_environment()
    asked.ask("connect", uri=store_uri(config))


def expect_module(name: str) -> None:
    """Has the worker import a module in advance, which a function that it will be sent needs.

    Args:
        name: Of the module.

    Raises:
        TrackingError: The worker cannot be started.
    """
    worker().expect("expect_module", name)


def reach(uri: str) -> None:
    """Waits until the worker has imported MLflow and the store exists.

    Args:
        uri: Of the store.

    Raises:
        TrackingError: The store cannot be used.
    """
    asked = worker()
    asked.send_environment()
    asked.ask("connect", uri=uri).result()


def local_page(uri: str, run_id: str) -> str | None:
    """Returns the address of a run's page in a local MLflow UI; None for a store with a server, or an unavailable one.

    Args:
        uri: Of the store.
        run_id: Of the run.

    Raises:
        TrackingError: The worker has ended.
    """
    found: str | None = worker().ask("local_page", uri=uri, run_id=run_id).result()
    return found


def _directory() -> str | None:
    with contextlib.suppress(FileNotFoundError):
        return os.getcwd()  # noqa: PTH109 - raises if it was removed
    return None


def _started() -> Worker:
    """Starts a worker.

    Raises:
        TrackingError: It cannot be started.
    """
    ours, its = socket.socketpair()
    with its:
        try:
            process = subprocess.Popen(
                [sys.executable, *COMMAND, str(its.fileno())],
                env=os.environ | {"PYTHONPATH": module_path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,  # Ctrl-C is handled by the client alone
            )
        except OSError as error:
            ours.close()
            raise TrackingError(f"the process that sends runs to the store cannot be started: {error}") from None
    return Worker(ours, process)


def _raised(error: Mapping[str, Any]) -> Exception:
    """Returns the exception for an error of the worker."""
    if error["kind"] == "TrackingError":
        return TrackingError(error["text"])
    if error["kind"] == "OSError":
        return OSError(error["number"], error["text"])
    return RemoteError(error["text"])


def _close() -> None:
    if _worker is not None:
        _worker.close()


def _begin_anew() -> None:
    """Disconnects a forked process, which gets a worker of its own."""
    global _worker, _starting
    _starting = threading.Lock()
    if _worker is not None:
        _worker.forget()
        _worker = None


atexit.register(_close)
os.register_at_fork(after_in_child=_begin_anew)
