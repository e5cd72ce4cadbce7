"""A run in the store, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.config import former
from pipeline.track.metric_names import plain_values

if TYPE_CHECKING:
    from mlflow.entities import Dataset
    from mlflow.entities import Run as MlflowRun

STATES = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "killed"}
# Of several attempts at a job of a sweep, the one with the first of these states counts.
COUNTS_FIRST = ("finished", "pruned", "running", "failed", "killed")


@dataclass(frozen=True)
class TrackedRun:
    """A run, without artifacts and values per epoch."""

    id: str
    name: str
    status: str  # FINISHED, FAILED, KILLED, RUNNING or SCHEDULED
    started: float  # seconds since 1970
    params: dict[str, str]
    metrics: dict[str, float]  # the last value of each, by plain name
    tags: dict[str, str]
    val_digest: str | None = None  # of its validation rows; None if it logged none

    @property
    def state(self) -> str:
        """State of the run, one of COUNTS_FIRST: its status, or `pruned`."""
        is_pruned = self.tags.get("pruned", "false").lower() != "false"
        return "pruned" if is_pruned else STATES.get(self.status, "running")

    @property
    def job(self) -> tuple[str, str]:
        """Identifies the job of a sweep; unique for each run outside of a sweep."""
        return self.tags.get("mlflow.parentRunId", ""), self.tags.get("overrides", self.id)


def tracked(run: MlflowRun) -> TrackedRun:
    """Converts a run from MLflow."""
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
    """Returns the logged digest of the rows of a split; None if the run did not log it.

    Args:
        run: The run.
        part: `train`, `val` or `test`.
    """
    found = datasets_of(run).get(part)
    return None if found is None else str(found.digest)


def datasets_of(run: MlflowRun) -> dict[str, Dataset]:
    """Returns the datasets that a run has logged, by split: `train`, `val` or `test`."""
    entries = run.inputs.dataset_inputs if run.inputs else []
    return {tag.value: entry.dataset for entry in entries for tag in entry.tags if tag.key == "mlflow.data.context"}


def one_per_job(runs: Iterable[TrackedRun]) -> list[TrackedRun]:
    """Selects one attempt for each job of a sweep, the last one in the best state; keeps runs outside of sweeps.

    When a sweep is resumed, it repeats failed and killed jobs; their earlier attempts then do not count.

    Returns:
        The runs, oldest first.
    """
    of_jobs: dict[tuple[str, str], TrackedRun] = {}
    for run in sorted(runs, key=lambda run: (COUNTS_FIRST.index(run.state), -run.started)):
        of_jobs.setdefault(run.job, run)
    return sorted(of_jobs.values(), key=lambda run: run.started)
