"""The process that speaks with a Ray cluster for `on_ray.py`: takes jobs, makes tasks of them, sends back what came.

It ends when its connection does, and then cancels what still runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle
import ray
from ray.exceptions import RayError

from pipeline.launch import jobs
from pipeline.launch.on_ray import Cluster
from pipeline.launch.worker import GRACE_SECONDS, printing_to
from pipeline.startup import import_tensorflow, use_threads

WAIT_SECONDS = 0.2  # between two looks at what has ended
SENT = ("PIPELINE_", "MLFLOW_", "AWS_")  # of the environment; the rest is each machine's own business


def main(connection: Connection) -> None:
    """Reaches the cluster, and runs jobs on it until the connection ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the process that leads the sweep decides
        signal.signal(number, signal.SIG_IGN)
    cluster: Cluster = cloudpickle.loads(connection.recv_bytes())
    sweep = connection.recv_bytes()
    try:
        ray.init(
            address=cluster.address,
            configure_logging=False,
            log_to_driver=False,
            # Where this process finds its modules, the tasks look too; another machine may have them elsewhere.
            runtime_env={"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}},
        )
    except (RayError, ConnectionError, OSError, ValueError, RuntimeError) as error:
        connection.send(("absent", str(error).strip().partition("\n")[0]))
        return
    connection.send(("ready", _at_once(cluster)))
    _serve(connection, cluster, ray.put(sweep))


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
            try:
                message = cloudpickle.loads(connection.recv_bytes())
            except (EOFError, OSError):
                message = signal.SIGTERM
            if not isinstance(message, jobs.Job):
                return _cancel(running)
            running[trial.remote(sweep, cloudpickle.dumps(message), cluster.cpus_per_trial)] = message.number
        ended, _ = ray.wait(list(running), timeout=WAIT_SECONDS)
        for task in ended:
            for event in _came_of(task):
                connection.send((running[task], event))
            del running[task]


def _came_of(task: Any) -> list[tuple[Any, ...]]:
    try:
        return ray.get(task)
    except RayError as error:
        return [("lost", f"its Ray task failed: {str(error).strip().partition(chr(10))[0]}")]


def _cancel(running: Mapping[Any, int]) -> None:
    for task in running:
        ray.cancel(task)  # which raises KeyboardInterrupt there
    if running:
        ray.wait(list(running), num_returns=len(running), timeout=GRACE_SECONDS)


def _trial(sweep: bytes, packed: bytes, threads: int) -> list[tuple[Any, ...]]:
    """Runs one job in a process of Ray's, which does other jobs before and after it."""
    job: jobs.Job = cloudpickle.loads(packed)
    sent = {name: value for name, value in job.environment.items() if name.startswith(SENT)}
    for name in [name for name in os.environ if name.startswith(SENT) and name not in sent]:
        del os.environ[name]
    os.environ.update(sent, TF_FORCE_GPU_ALLOW_GROWTH="true")
    with contextlib.suppress(FileNotFoundError):  # a machine that has no such folder
        os.chdir(job.directory)
    import_tensorflow()
    with contextlib.suppress(RuntimeError):  # an earlier job of this process has set them
        use_threads(threads)
    said: list[tuple[Any, ...]] = []
    with printing_to(job.output):
        outcome = jobs.run(cloudpickle.loads(sweep), job, lambda level, text: said.append(("said", level, text)))
    return [*said, ("ended", outcome)]


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
