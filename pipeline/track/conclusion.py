"""What a sweep's parent run is told when the last job has ended."""

from __future__ import annotations

import mlflow

from pipeline.track.children import children
from pipeline.track.machines import PROCESS, others
from pipeline.track.tracked_run import TrackedRun, one_per_job, tracked


def jobs(parent: str, query: str = "") -> list[TrackedRun]:
    """The children of a sweep, of several tries of a job the one that counts; those alone that a query finds."""
    return one_per_job(tracked(run) for run in children(parent, query))


def n_in_state(runs: list[TrackedRun], *states: str) -> int:
    """How many ended so: finished, pruned, failed, killed, or running if they have not ended."""
    return sum(run.state in states for run in runs)


def conclude(parent: str, owner: str, status: str) -> None:
    """Counts the children of a sweep and closes it, unless other processes lead it too.

    Args:
        parent: Id of the parent run.
        owner: The process that has led it, and does no longer.
        status: How it ended there; one that others have ended since is not KILLED any more.
    """
    client, runs = mlflow.MlflowClient(), jobs(parent)
    n_finished = n_in_state(runs, "finished")
    client.log_metric(parent, "n_finished", n_finished)
    client.log_metric(parent, "n_failed", n_in_state(runs, "failed", "killed"))
    client.log_metric(parent, "n_pruned", n_in_state(runs, "pruned"))
    above = client.get_run(parent)
    tags, is_open = above.data.tags, above.info.status == "RUNNING"
    if PROCESS + owner in tags:
        client.delete_tag(parent, PROCESS + owner)
    if others(tags, owner) or (status == "KILLED" and not is_open):
        return  # the others close it in the end, or have done so
    # A job that failed does not spoil the sweep; the exit code and n_failed tell of it.
    client.set_terminated(parent, "FINISHED" if n_finished and status != "KILLED" else status)
