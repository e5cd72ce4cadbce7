"""What a store knows of a run, as plain facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlflow.entities import Dataset
from mlflow.entities import Run as MlflowRun

from pipeline.config import former
from pipeline.track.metric_names import plain_values

STATES = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "killed"}
# Of several tries of one job of a sweep the first of these states counts.
COUNTS_FIRST = ("finished", "pruned", "running", "failed", "killed")


@dataclass(frozen=True)
class TrackedRun:
    """A run, but for its artifacts and the epochs' values."""

    id: str
    name: str
    status: str  # FINISHED, FAILED, KILLED, RUNNING or SCHEDULED
    started: float  # seconds since 1970
    params: dict[str, str]
    metrics: dict[str, float]  # the last value of each, by plain names
    tags: dict[str, str]
    val_digest: str | None = None  # of its validation rows; None where it logged none

    @property
    def state(self) -> str:
        """How it ended, one of COUNTS_FIRST: its status, or that its sweep has pruned it."""
        is_pruned = self.tags.get("pruned", "false").lower() != "false"
        return "pruned" if is_pruned else STATES.get(self.status, "running")

    @property
    def job(self) -> tuple[str, str]:
        """The job of a sweep that it is a try of; of other runs nothing that two of them share."""
        return self.tags.get("mlflow.parentRunId", ""), self.tags.get("overrides", self.id)


def tracked(run: MlflowRun) -> TrackedRun:
    """A run as MLflow gives it, as facts."""
    info, data = run.info, run.data
    started = info.start_time / 1000
    return TrackedRun(
        info.run_id,
        info.run_name,
        info.status,
        started,
        former.completed(data.params),
        plain_values(data.metrics),
        data.tags,
        digest_of(run, "val"),
    )


def digest_of(run: MlflowRun, part: str) -> str | None:
    """The digest of the rows of a part, `train`, `val` or `test`, that a run has logged."""
    found = datasets_of(run).get(part)
    return None if found is None else str(found.digest)


def datasets_of(run: MlflowRun) -> dict[str, Dataset]:
    """The rows that a run has logged, by their part: `train`, `val` or `test`."""
    entries = run.inputs.dataset_inputs if run.inputs else []
    return {tag.value: entry.dataset for entry in entries for tag in entry.tags if tag.key == "mlflow.data.context"}


def one_per_job(runs: Iterable[TrackedRun]) -> list[TrackedRun]:
    """Of each job of a sweep the try that counts, the last one of the best state; other runs as they are.

    A job is tried again when its sweep is taken up after it failed or was killed: that it did is then no matter.

    Returns:
        The oldest first.
    """
    of_jobs: dict[tuple[str, str], TrackedRun] = {}
    for run in sorted(runs, key=lambda run: (COUNTS_FIRST.index(run.state), -run.started)):
        of_jobs.setdefault(run.job, run)
    return sorted(of_jobs.values(), key=lambda run: run.started)
