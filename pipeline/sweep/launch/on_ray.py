"""`hydra/launcher=ray`: runs the jobs of a sweep as tasks on an existing Ray cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import Any

import cloudpickle
from hydra.errors import CompactHydraException

from pipeline.runtime.program import program
from pipeline.sweep.launch.remote_job import Job, LaunchedSweep
from pipeline.sweep.launch.stream import Event, StreamLauncher, Workers
from pipeline.sweep.launch.worker_process import GRACE_SECONDS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster, and what each trial may use of it."""

    address: str
    n_jobs: int | str
    cpus_per_trial: int
    gpus_per_trial: float


class RayLauncher(StreamLauncher):
    """Runs jobs as plain Ray tasks, at most `n_jobs` at once."""

    def __init__(self, address: str, n_jobs: int | str, cpus_per_trial: int, gpus_per_trial: float) -> None:
        super().__init__()
        if importlib.util.find_spec("ray") is None:
            raise CompactHydraException("hydra/launcher=ray: Ray is not installed; pip install ray")
        self._cluster = Cluster(address, n_jobs, cpus_per_trial, gpus_per_trial)
        self.n_jobs = n_jobs if isinstance(n_jobs, int) else 1  # auto: known when the cluster is connected

    def _workers(self) -> Workers:
        tasks = Tasks(self._sweep, self._cluster)
        self.n_jobs = tasks.n_jobs
        log.info("Launching jobs on the Ray cluster at %s, %d at once", self._cluster.address, self.n_jobs)
        return tasks


class Tasks:
    """Runs jobs on a cluster through a separate process.

    Ray kills a process that uses a cluster when the cluster ends. That must not be the process that leads the sweep,
    because it has to close the parent run.
    """

    def __init__(self, sweep: LaunchedSweep, cluster: Cluster) -> None:
        self._address = cluster.address
        self._jobs: dict[int, Job] = {}
        self._gone = False
        self._connection, its = Pipe()
        path = os.pathsep.join(os.path.abspath(place) for place in sys.path)  # noqa: PTH100 - "" is the current folder
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.sweep.launch.cluster", str(its.fileno())],
                env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,  # so that Ctrl-C reaches only this process
            )
        self._send(cluster)
        self._send(sweep)
        try:
            answer, value = self._connection.recv()
        except (EOFError, OSError):
            answer, value = "absent", f"the connecting process ended with code {self._process.wait()}"
        except BaseException:
            self._end()
            raise
        if answer == "absent":
            self._end()
            raise CompactHydraException(
                f"hydra.launcher.address: no Ray cluster answers at {self._address}: {value}; start one with "
                f"`ray start --head`, or give the address of another cluster"
            )
        self.n_jobs: int = value

    @property
    def has_room(self) -> bool:
        """Whether another job can be started."""
        return len(self._jobs) < self.n_jobs and not self._gone

    @property
    def is_busy(self) -> bool:
        """Whether an event is pending: of a job, or that the cluster is gone."""
        return bool(self._jobs) or self._gone

    def start(self, job: Job) -> None:
        """Sends a job to the cluster."""
        self._jobs[job.number] = job
        with contextlib.suppress(OSError):  # the cluster is gone: `event` reports it
            self._send(job)

    def event(self) -> tuple[Job, Event]:
        """Waits for the next event of any job.

        Raises:
            CompactHydraException: The cluster is gone, and its lost jobs have been reported.
        """
        try:
            number, event = self._connection.recv()
        except (EOFError, OSError):
            self._gone = True
        if not self._gone:
            return (self._jobs[number] if event[0] == "said" else self._jobs.pop(number)), event
        if self._jobs:
            _, job = self._jobs.popitem()
            return job, ("lost", f"the Ray cluster at {self._address} is gone")
        raise CompactHydraException(
            f"the Ray cluster at {self._address} is gone; finished trials are kept. Start it again, and resume with: "
            f"{program()} train {shlex.join(sys.argv[1:])}"
        )

    def stop(self, number: signal.Signals) -> None:
        """Cancels all tasks, and waits until they have closed their runs."""
        with contextlib.suppress(OSError):
            self._send(number)
        self._end()

    def _send(self, message: Any) -> None:
        self._connection.send_bytes(cloudpickle.dumps(message))

    def _end(self) -> None:
        try:
            self._process.wait(GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            log.warning("the Ray cluster at %s does not answer", self._address)
        finally:
            self._process.kill()
            self._process.wait()
            self._connection.close()
