"""Runs that their process left open when it was killed: nothing but another process can close them."""

import contextlib
import os

import mlflow
from mlflow.entities import ViewType

from pipeline.config.rules import Tracking
from pipeline.runtime.signals import held
from pipeline.track.store import STORE_ERRORS, connected

JOB_VARIABLE = "PIPELINE_JOB"  # by the environment a launcher names the job that a process is to run ...
JOB_TAG = "job"  # ... and its run has that name as a tag


def job_tag() -> dict[str, str]:
    """The tag of this process's job, if a launcher gave it one."""
    name = os.environ.get(JOB_VARIABLE)
    return {} if name is None else {JOB_TAG: name}


@held()
def fail_left_running(config: Tracking, job: str, message: str) -> None:
    """Marks the runs of a job whose process is dead as FAILED, if the store still answers."""
    query = f"tags.{JOB_TAG} = '{job}' and attributes.status = 'RUNNING'"
    with contextlib.suppress(*STORE_ERRORS), connected(config):
        client = mlflow.MlflowClient()
        experiments = [found.experiment_id for found in client.search_experiments(ViewType.ACTIVE_ONLY)]
        for run in client.search_runs(experiments, query):
            client.set_tag(run.info.run_id, "error", message)
            client.set_terminated(run.info.run_id, "FAILED")
