"""Closes a sweep's parent run when the last job has ended."""

from __future__ import annotations

import mlflow

from pipeline.track.children import children
from pipeline.track.machines import PROCESS, others
from pipeline.track.tracked_run import TrackedRun, one_per_job, tracked


def jobs(parent: str, query: str = "") -> list[TrackedRun]:
    """Returns the children of a sweep, one for each job.

    Args:
        parent: Id of the parent run.
        query: Filter in MLflow's language; empty for all children.
    """
    return one_per_job(tracked(run) for run in children(parent, query))


def n_in_state(runs: list[TrackedRun], *states: str) -> int:
    """Counts the runs in some states.

    Args:
        runs: The runs.
        *states: finished, pruned, failed, killed or running.
    """
    return sum(run.state in states for run in runs)


def conclude(parent: str, owner: str, status: str) -> None:
    """Logs the counts of a sweep's children and closes it, unless other processes lead it too.

    Args:
        parent: Id of the parent run.
        owner: The process that has stopped leading it.
        status: How the sweep ended in that process; KILLED does not change a sweep that another process has closed.
    """
    client = mlflow.MlflowClient()
    if PROCESS + owner in client.get_run(parent).data.tags:
        client.delete_tag(parent, PROCESS + owner)
    # Read after the mark is gone: of several processes that end at the same moment, the last one finds no other.
    above = client.get_run(parent)
    if others(above.data.tags, owner):
        return  # they will count and close it
    runs = jobs(parent)
    n_finished = n_in_state(runs, "finished")
    client.log_metric(parent, "n_finished", n_finished)
    client.log_metric(parent, "n_failed", n_in_state(runs, "failed", "killed"))
    client.log_metric(parent, "n_pruned", n_in_state(runs, "pruned"))
    if status == "KILLED" and above.info.status != "RUNNING":
        return  # another process has closed it
    # A failed job does not fail the sweep; the exit code and n_failed show it.
    client.set_terminated(parent, "FINISHED" if n_finished and status != "KILLED" else status)
