"""Runs as facts: how each ended, and which try of a sweep's job counts."""

import dataclasses

import pytest

from pipeline.track import TrackedRun
from pipeline.track.tracked_run import one_per_job

RUN = TrackedRun("0", "run", "FINISHED", 0.0, {}, {}, {})


def tried(number: int, status: str, seed: int | None, **tags: str) -> TrackedRun:
    job = {} if seed is None else {"overrides": f"seed={seed}", "mlflow.parentRunId": "p"}
    return dataclasses.replace(RUN, id=str(number), status=status, started=float(number), tags=job | tags)


@pytest.mark.parametrize(
    ("status", "tags", "state"),
    [
        ("FINISHED", {}, "finished"),
        ("FAILED", {}, "failed"),
        ("KILLED", {}, "killed"),
        ("KILLED", {"pruned": "true"}, "pruned"),
        ("KILLED", {"pruned": "false"}, "killed"),
        ("RUNNING", {}, "running"),
        ("SCHEDULED", {}, "running"),
    ],
)
def test_the_state_of_a_run(status: str, tags: dict[str, str], state: str) -> None:
    assert dataclasses.replace(RUN, status=status, tags=tags).state == state


def test_of_each_job_the_try_counts_that_came_furthest() -> None:
    runs = [
        tried(1, "FAILED", 0), tried(2, "FINISHED", 0), tried(3, "FAILED", 0),
        tried(4, "FAILED", 1), tried(5, "FAILED", 1),
        tried(6, "KILLED", 2), tried(7, "KILLED", 2, pruned="true"), tried(8, "RUNNING", 2),
        tried(9, "FINISHED", 3, **{"mlflow.parentRunId": "another sweep"}), tried(10, "FAILED", 3),
        tried(11, "FAILED", None), tried(12, "FAILED", None),
    ]  # fmt: skip
    assert [run.id for run in one_per_job(runs)] == ["2", "5", "7", "9", "10", "11", "12"]
