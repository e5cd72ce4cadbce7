"""Runs that their process left open when it was killed: nothing but another process can close them."""

import contextlib
import os
import platform

import mlflow
from mlflow.entities import ViewType

from pipeline.config.rules import Tracking
from pipeline.track.store import STORE_ERRORS, connected

PROCESS_TAG = "process"


def process_name(pid: int | None = None) -> str:
    """Names a process of this machine, this one by default; every run has it as a tag."""
    return f"{platform.node()}:{os.getpid() if pid is None else pid}"


def fail_left_running(config: Tracking, pid: int, message: str) -> None:
    """Marks the runs of a dead process of this machine as FAILED, if the store still answers."""
    query = f"tags.{PROCESS_TAG} = '{process_name(pid)}' and attributes.status = 'RUNNING'"
    with contextlib.suppress(*STORE_ERRORS), connected(config):
        client = mlflow.MlflowClient()
        experiments = [found.experiment_id for found in client.search_experiments(ViewType.ACTIVE_ONLY)]
        for run in client.search_runs(experiments, query):
            client.set_tag(run.info.run_id, "error", message)
            client.set_terminated(run.info.run_id, "FAILED")
