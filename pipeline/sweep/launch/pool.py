"""Worker processes on this machine: started on demand, replaced when they die, and ended with the sweep."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle

from pipeline.runtime.process import module_path
from pipeline.sweep.launch.devices import Share
from pipeline.sweep.launch.remote_job import Job, LaunchedSweep
from pipeline.sweep.launch.stream import Event
from pipeline.sweep.launch.worker_process import GRACE_SECONDS

STATUS_SECONDS = 10.0  # to wait for a worker's exit code: the server may be busy importing


class Server:
    """The process that forks workers; see server.py."""

    def __init__(self, threads: int) -> None:
        ours, its = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.sweep.launch.server", str(its.fileno())],
            env=os.environ | Share(threads).environment() | {"PYTHONPATH": module_path()},
            stdin=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            start_new_session=True,  # so that Ctrl-C reaches only this process, which then stops the workers
        )
        its.close()
        self._control = ours
        self._lines = ours.makefile("r", encoding="ascii")
        self._codes: dict[int, int] = {}

    def fork(self) -> Connection:
        """Starts a worker; returns the connection to it.

        Raises:
            OSError: The server has ended.
        """
        ours, its = Pipe()
        with its:
            socket.send_fds(self._control, [b"w"], [its.fileno()])
        return ours

    def exit_code(self, pid: int) -> int | None:
        """Returns the exit code of an ended worker; None if it is unknown."""
        self._control.settimeout(STATUS_SECONDS)
        with contextlib.suppress(OSError, ValueError):
            while pid not in self._codes:
                ended = json.loads(self._lines.readline())
                self._codes[ended["pid"]] = ended["code"]
        return self._codes.get(pid)

    def close(self) -> None:
        """Ends the server, after its workers."""
        self._lines.close()
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STATUS_SECONDS)
        self._process.kill()
        self._process.wait()


class Worker:
    """A worker, as the process that leads the sweep sees it."""

    def __init__(self, connection: Connection, share: Share) -> None:
        self.connection = connection
        self.share = share
        self.pid: int | None = None  # sent by the worker when it starts
        self.job: Job | None = None

    def send(self, message: Any) -> None:
        """Sends a message.

        Raises:
            OSError: The worker has ended.
        """
        self.connection.send_bytes(cloudpickle.dumps(message))


class Pool:
    """Runs jobs in workers, one for each share of the machine."""

    def __init__(self, sweep: LaunchedSweep, shares: Sequence[Share]) -> None:
        self._sweep = sweep
        self._free = list(shares)  # shares without a worker
        self._server: Server | None = None
        self._workers: list[Worker] = []

    @property
    def has_room(self) -> bool:
        """Whether another job can be started."""
        return bool(self._free) or any(worker.job is None for worker in self._workers)

    @property
    def is_busy(self) -> bool:
        """Whether a job is running."""
        return any(worker.job is not None for worker in self._workers)

    def start(self, job: Job) -> None:
        """Sends a job to an idle or new worker."""
        while True:
            worker = next((one for one in self._workers if one.job is None), None) or self._new_worker()
            try:
                worker.send(job)
            except OSError:  # it died while idle
                self._forget(worker)
            else:
                worker.job = job
                return

    def event(self) -> tuple[Job, Event]:
        """Waits for the next event of any job."""
        while True:
            connection = wait([worker.connection for worker in self._workers])[0]
            worker = next(one for one in self._workers if one.connection is connection)
            job = worker.job
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                self._forget(worker)
                message = ("lost", "" if job is None else _death(self._exit_code(worker), job))
            if message[0] == "started":
                worker.pid = message[1]
            elif job is not None:
                worker.job = job if message[0] == "said" else None
                return job, message

    def stop(self, number: signal.Signals) -> None:
        """Ends all workers, busy ones by a signal, and waits until they have closed their runs and exited."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.send(number)
        try:
            self._wait_for_ends()
        finally:  # also if Ctrl-C is pressed again
            for worker in self._workers:
                if worker.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker.pid, signal.SIGKILL)
                worker.connection.close()
            self._workers.clear()
            if self._server is not None:
                self._server.close()
                self._server = None

    def _wait_for_ends(self) -> None:
        while self._workers:
            ready = wait([worker.connection for worker in self._workers], timeout=GRACE_SECONDS + 5)
            if not ready:
                return
            for worker in [one for one in self._workers if one.connection in ready]:
                try:
                    worker.connection.recv()
                except (EOFError, OSError):
                    self._forget(worker)
                    self._exit_code(worker)  # waits until the server has reaped the process

    def _new_worker(self) -> Worker:
        share = self._free.pop()
        if self._server is None:
            self._server = Server(share.threads)
        try:
            connection = self._server.fork()
        except OSError:  # it was killed from outside; start another
            self._server.close()
            self._server = Server(share.threads)
            connection = self._server.fork()
        worker = Worker(connection, share)
        self._workers.append(worker)
        with contextlib.suppress(OSError):  # `start` notices when it sends the job
            worker.send(share)
            worker.send(self._sweep)
        return worker

    def _forget(self, worker: Worker) -> None:
        worker.connection.close()
        self._workers.remove(worker)
        self._free.append(worker.share)

    def _exit_code(self, worker: Worker) -> int | None:
        return None if worker.pid is None or self._server is None else self._server.exit_code(worker.pid)


def _death(code: int | None, job: Job) -> str:
    """Describes how a worker ended unexpectedly, and the likely reason."""
    if code is None:
        how = "its worker process ended"
    elif code >= 0:
        how = f"its worker process ended with exit code {code}"
    else:
        how = f"its worker process was killed by {signal.Signals(-code).name}"
    reason = ", probably because memory ran out (try a smaller hydra.launcher.n_jobs)" if code == -9 else ""
    return f"{how}{reason}; its output is in {job.output}"
