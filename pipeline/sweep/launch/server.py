"""The process that workers are forked from: it has imported what trials need, 6 s of work that no worker repeats.

It imports and does nothing else: TensorFlow cannot be forked once it has made threads or looked for devices. One
byte on its socket, with the end of a connection beside it, asks for a worker; a line of JSON tells how one ended. The
end of the process that started it is the end of that socket, and of the server.
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
from pipeline.train import import_stages

# Modules that their packages import only when they are first used.
IMPORTED_IN_USE = ("matplotlib.backends.backend_agg", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store")


def main(control: socket.socket) -> None:
    """Imports, and forks a worker whenever asked to."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the process that started this one decides; see there
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
                if os.fork() == 0:
                    _become_worker(connection)
                os.close(connection)


def _asked_for(control: socket.socket) -> int | None:
    """The connection's end for the worker that is asked for; None where nobody is left to ask."""
    try:
        asked, ends, _, _ = socket.recv_fds(control, 1, 1)
    except ConnectionResetError:  # there were lines that nobody read
        return None
    return ends[0] if asked else None


def _preload() -> None:
    preload_tensorflow()
    import_stages()

    for name in IMPORTED_IN_USE:
        importlib.import_module(name)
    gc.freeze()  # what workers share with this process stays shared: no collection writes to it


def _become_worker(end: int) -> None:
    """Never returns: what surrounds it belongs to the server."""
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
        with contextlib.suppress(OSError):  # nobody is left to be told; the next look at the socket ends this process
            control.sendall(json.dumps({"pid": pid, "code": code}).encode() + b"\n")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
