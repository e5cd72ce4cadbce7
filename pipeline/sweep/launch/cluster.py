"""The process that uses a Ray cluster for `on_ray.py`: receives jobs, runs them as tasks, and sends back results.

When its connection closes it cancels the running tasks and ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle
import ray
from ray.exceptions import RayError

from pipeline.runtime.startup import import_tensorflow, use_threads
from pipeline.sweep.launch import remote_job
from pipeline.sweep.launch.on_ray import Cluster
from pipeline.sweep.launch.worker_process import GRACE_SECONDS, printing_to

CONNECT_SECONDS = 10.0
SETTLE_SECONDS = 3.0  # between an error and the check of the cluster, whose processes end one by one
WAIT_SECONDS = 0.2  # between two checks for finished tasks
SENT = ("PIPELINE_", "MLFLOW_")  # prefixes of environment variables that tasks get; others belong to each machine


def main(connection: Connection) -> None:
    """Connects to the cluster, and runs jobs on it until the connection closes."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the process that leads the sweep handles them
        signal.signal(number, signal.SIG_IGN)
    cluster: Cluster = cloudpickle.loads(connection.recv_bytes())
    sweep = connection.recv_bytes()
    try:
        _look_for(cluster.address)
        ray.init(
            address=cluster.address,
            configure_logging=False,
            log_to_driver=False,
            # Tasks import modules from the same folders; a module may be elsewhere on another machine.
            runtime_env={"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}},
        )
    except (RayError, ConnectionError, OSError, ValueError, RuntimeError) as error:
        connection.send(("absent", str(error).strip().partition("\n")[0]))
        return
    connection.send(("ready", _at_once(cluster)))
    with contextlib.suppress(OSError):  # the cluster is gone; the end of this process tells its parent
        _serve(connection, cluster, ray.put(sweep))


def _look_for(address: str) -> None:
    """Raises OSError if the address does not accept connections; Ray itself would retry for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def _at_once(cluster: Cluster) -> int:
    if isinstance(cluster.n_jobs, int):
        return cluster.n_jobs
    there = ray.cluster_resources()
    rooms = [there.get("CPU", 0) / cluster.cpus_per_trial]
    if cluster.gpus_per_trial:
        rooms.append(there.get("GPU", 0) / cluster.gpus_per_trial)
    return max(1, int(min(rooms)))


def _serve(connection: Connection, cluster: Cluster, sweep: Any) -> None:
    trial = ray.remote(num_cpus=cluster.cpus_per_trial, num_gpus=cluster.gpus_per_trial, max_retries=0)(_trial)
    running: dict[Any, int] = {}
    while True:
        while connection.poll(0 if running else None):
            job = _received(connection)
            if job is None:
                return _cancel(running)
            running[trial.remote(sweep, cloudpickle.dumps(job), cluster.cpus_per_trial)] = job.number
        ended, _ = ray.wait(list(running), timeout=WAIT_SECONDS)
        for task in ended:
            number = running.pop(task)
            for event in _came_of(task):
                connection.send((number, event))


def _received(connection: Connection) -> remote_job.Job | None:
    """Receives the next job; None for a signal to stop, or if the connection is closed."""
    try:
        message = cloudpickle.loads(connection.recv_bytes())
    except (EOFError, OSError):
        return None
    return message if isinstance(message, remote_job.Job) else None


def _came_of(task: Any) -> list[tuple[Any, ...]]:
    """Returns the events of a task, or one that reports it lost.

    Raises:
        OSError: The cluster is gone.
    """
    try:
        return ray.get(task)
    except RayError as error:
        time.sleep(SETTLE_SECONDS)
        _look_for(ray.get_runtime_context().gcs_address)
        return [("lost", f"its Ray task failed: {str(error).strip().partition(chr(10))[0]}")]


def _cancel(running: Mapping[Any, int]) -> None:
    for task in running:
        ray.cancel(task)  # raises KeyboardInterrupt in the task
    if running:
        ray.wait(list(running), num_returns=len(running), timeout=GRACE_SECONDS)


def _trial(sweep: bytes, packed: bytes, threads: int) -> list[tuple[Any, ...]]:
    """Runs one job in a Ray process, which Ray reuses for other jobs."""
    job: remote_job.Job = cloudpickle.loads(packed)
    sent = {name: value for name, value in job.environment.items() if name.startswith(SENT)}
    for name in [name for name in os.environ if name.startswith(SENT) and name not in sent]:
        del os.environ[name]
    os.environ.update(sent, TF_FORCE_GPU_ALLOW_GROWTH="true")
    with contextlib.suppress(FileNotFoundError):  # the machine does not have the folder
        os.chdir(job.directory)
    import_tensorflow()
    with contextlib.suppress(RuntimeError):  # an earlier job of this process set them
        use_threads(threads)
    said: list[tuple[Any, ...]] = []
    with printing_to(job.output):
        outcome = remote_job.run(cloudpickle.loads(sweep), job, lambda level, text: said.append(("said", level, text)))
    return [*said, ("ended", outcome)]


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
