"""The process that workers are forked from: it has done the imports of trials, which take 6 s, once for all of them.

It only imports: TensorFlow cannot be forked after it has started threads or listed devices. A byte on its socket,
sent with a connection, requests a worker; a line of JSON reports how a worker ended. When the parent process ends, the
socket closes and the server ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from multiprocessing.connection import Connection

from pipeline.runtime.startup import preload_tensorflow
from pipeline.sweep.launch import worker_process
from pipeline.track.worker import client, serving
from pipeline.train import import_stages

# Modules that their packages import lazily.
IMPORTED_IN_USE = (
    "matplotlib.backends.backend_agg",
    "pipeline.track.machines",
    "pipeline.track.trials",
    *serving.IMPORTED,
)


def main(control: socket.socket) -> None:
    """Imports, and forks workers on request."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent process handles them
        signal.signal(number, signal.SIG_IGN)
    _preload()
    wakeup, waker = socket.socketpair()
    for end in (wakeup, waker):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waker.fileno())
    with selectors.DefaultSelector() as events:
        events.register(control, selectors.EVENT_READ)
        events.register(wakeup, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in events.select()}
            if wakeup in ready:
                wakeup.recv(1024)
                _tell_of_ended(control)
            if control in ready:
                connection = _asked_for(control)
                if connection is None:
                    return
                _fork(connection)
                os.close(connection)


def _asked_for(control: socket.socket) -> int | None:
    """Receives the connection of a requested worker; None if the parent process has ended."""
    try:
        asked, ends, _, _ = socket.recv_fds(control, 1, 1)
    except ConnectionResetError:  # the parent ended with unread lines
        return None
    return ends[0] if asked else None


def _preload() -> None:
    preload_tensorflow()
    import_stages()

    for name in IMPORTED_IN_USE:
        importlib.import_module(name)
    gc.freeze()  # garbage collection then does not write to, and so copy, memory shared with workers


def _fork(connection: int) -> None:
    """Forks a worker, and another process that sends its runs to the store: see `track/worker`."""
    ours, its = socket.socketpair()
    if os.fork() == 0:
        try:
            signal.set_wakeup_fd(-1)
            ours.close()
            os.close(connection)
            serving.serve(its)
        finally:
            os._exit(1)
    its.close()
    if os.fork() == 0:
        client.adopt(ours)
        _become_worker(connection)
    ours.close()


def _become_worker(end: int) -> None:
    """Runs a worker in the forked process, and exits: it must not return to the server's loop."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        code = worker_process.main(Connection(end))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell_of_ended(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):  # the parent has ended; the loop notices next
            control.sendall(json.dumps({"pid": pid, "code": code}).encode() + b"\n")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
