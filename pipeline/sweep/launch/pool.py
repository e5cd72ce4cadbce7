"""Workers on this machine: started as they are needed, replaced when they die, and none of them left behind."""

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

STATUS_SECONDS = 10.0  # to be told how a worker ended: the server may be busy importing


class Server:
    """The process that forks workers; see server.py."""

    def __init__(self, threads: int) -> None:
        ours, its = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.sweep.launch.server", str(its.fileno())],
            env=os.environ | Share(threads).environment() | {"PYTHONPATH": module_path()},
            stdin=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            start_new_session=True,  # Ctrl-C goes to all processes of a session's group; the workers are told by ours
        )
        its.close()
        self._control = ours
        self._lines = ours.makefile("r", encoding="ascii")
        self._codes: dict[int, int] = {}

    def fork(self) -> Connection:
        """Starts a worker.

        Raises:
            OSError: The server is gone.
        """
        ours, its = Pipe()
        with its:
            socket.send_fds(self._control, [b"w"], [its.fileno()])
        return ours

    def exit_code(self, pid: int) -> int | None:
        """How a worker that has ended did so; None if nobody knows."""
        self._control.settimeout(STATUS_SECONDS)
        with contextlib.suppress(OSError, ValueError):
            while pid not in self._codes:
                ended = json.loads(self._lines.readline())
                self._codes[ended["pid"]] = ended["code"]
        return self._codes.get(pid)

    def close(self) -> None:
        """Ends the server; its workers have ended before."""
        self._lines.close()
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STATUS_SECONDS)
        self._process.kill()
        self._process.wait()


class Worker:
    """One worker, seen from the process that leads the sweep."""

    def __init__(self, connection: Connection, share: Share) -> None:
        self.connection = connection
        self.share = share
        self.pid: int | None = None  # told by the worker
        self.job: Job | None = None

    def send(self, message: Any) -> None:
        """Sends a message.

        Raises:
            OSError: The worker is gone.
        """
        self.connection.send_bytes(cloudpickle.dumps(message))


class Pool:
    """Runs jobs in as many workers as there are shares of the machine."""

    def __init__(self, sweep: LaunchedSweep, shares: Sequence[Share]) -> None:
        self._sweep = sweep
        self._free = list(shares)  # of workers that do not exist yet
        self._server: Server | None = None
        self._workers: list[Worker] = []

    @property
    def has_room(self) -> bool:
        """Whether another job can start."""
        return bool(self._free) or any(worker.job is None for worker in self._workers)

    @property
    def is_busy(self) -> bool:
        """Whether a job is running."""
        return any(worker.job is not None for worker in self._workers)

    def start(self, job: Job) -> None:
        """Gives a job to a worker that has none."""
        while True:
            worker = next((one for one in self._workers if one.job is None), None) or self._new_worker()
            try:
                worker.send(job)
            except OSError:  # it died while it had nothing to do
                self._forget(worker)
            else:
                worker.job = job
                return

    def event(self) -> tuple[Job, Event]:
        """Waits for what there is to tell of a job."""
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
        """Ends all workers, those at work by a signal, and waits until they have closed their runs and are gone."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.send(number)
        try:
            self._wait_for_ends()
        finally:  # also when Ctrl-C is pressed again
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
                    self._exit_code(worker)  # until the server has heard of it, the process is not gone

    def _new_worker(self) -> Worker:
        share = self._free.pop()
        if self._server is None:
            self._server = Server(share.threads)
        try:
            connection = self._server.fork()
        except OSError:  # it was ended from outside; the next one is as good
            self._server.close()
            self._server = Server(share.threads)
            connection = self._server.fork()
        worker = Worker(connection, share)
        self._workers.append(worker)
        with contextlib.suppress(OSError):  # then the job cannot be sent either
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
    """How a worker ended that was not to end, and what is likely to have been the reason."""
    if code is None:
        how = "its worker process ended"
    elif code >= 0:
        how = f"its worker process ended with exit code {code}"
    else:
        how = f"its worker process was ended by {signal.Signals(-code).name}"
    reason = ", as the system does when memory runs out (fewer hydra.launcher.n_jobs need less)" if code == -9 else ""
    return f"{how}{reason}; its output is in {job.output}"
