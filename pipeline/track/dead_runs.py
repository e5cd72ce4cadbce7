"""Closes runs that a killed process left open."""

import contextlib

import mlflow
from mlflow.entities import ViewType

from pipeline.config.rules import Tracking
from pipeline.runtime import process
from pipeline.runtime.signals import held
from pipeline.track.address import store_uri
from pipeline.track.children import LOST
from pipeline.track.find_run import JOURNAL_TAG
from pipeline.track.inherited import JOB_TAG
from pipeline.track.spool.folders import left
from pipeline.track.spool.unfinished_runs import Sent, end, may_resume, send_left
from pipeline.track.store import STORE_ERRORS, connected


def close_dead(uri: str) -> Sent:
    """Sends what dead processes of this machine have left in the spool, and closes their runs as KILLED.

    Args:
        uri: Of a store that answers.
    """
    sent = send_left(uri)
    client, machine = mlflow.MlflowClient(uri), process.name().partition("/")[0]
    experiments = [found.experiment_id for found in client.search_experiments(ViewType.ACTIVE_ONLY)]
    query = f"attributes.status = 'RUNNING' and tags.owner LIKE '{machine}/%'"
    waiting = {folder.sent["run_id"] for folder in left()}
    for run in client.search_runs(experiments, query) if experiments else []:
        run_id, owner = run.info.run_id, run.data.tags["owner"]
        if run_id in waiting or may_resume(run_id, run.data.tags.get(JOURNAL_TAG)) or not process.is_gone(owner, 0):
            continue
        client.set_tag(run_id, "error", LOST)
        client.set_terminated(run_id, "KILLED")
        sent.closed[run_id] = run.data.tags.get("mlflow.parentRunId")
    return sent


@held()
def fail_left_running(config: Tracking, job: str, message: str) -> None:
    """Closes the runs of a job whose process has died as FAILED, if the store answers.

    Args:
        config: Of the store.
        job: Name of the job.
        message: Error to log.
    """
    for folder in left():
        with folder.claimed() as is_mine:
            if is_mine and folder.header.get("tags", {}).get(JOB_TAG) == job:
                end(folder, "FAILED", message)
    query = f"tags.{JOB_TAG} = '{job}' and attributes.status = 'RUNNING'"
    with contextlib.suppress(*STORE_ERRORS), connected(config):
        send_left(store_uri(config))
        client = mlflow.MlflowClient()
        experiments = [found.experiment_id for found in client.search_experiments(ViewType.ACTIVE_ONLY)]
        for run in client.search_runs(experiments, query):
            client.set_tag(run.info.run_id, "error", message)
            client.set_terminated(run.info.run_id, "FAILED")
