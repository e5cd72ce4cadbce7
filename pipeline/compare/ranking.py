"""Runs as configurations, ranked by what validation says; test scores are shown and choose nothing."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.compare.values import is_usable, order
from pipeline.config import direction
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.track import Selected, TrackedRun

# What tells the repetitions of one configuration apart.
REPLICA = ("seed", "data.split.seed", "data.split.fold")
NO_PARAMETER = ("tracking.", "objective")  # keys that say where a run is kept and what is looked at
OTHER_STATES = ("pruned", "failed", "killed", "running", "without a score")

Replica = tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """One configuration and its runs over seeds and folds, the latest where one was repeated."""

    params: dict[str, str]  # those that differ within the comparison
    runs: dict[Replica, TrackedRun]
    scores: dict[Replica, float]  # of validation

    @cached_property
    def mean(self) -> float:
        """Of the validation score over seeds and folds."""
        return statistics.fmean(self.scores.values())

    @cached_property
    def deviation(self) -> float | None:
        """Standard deviation over seeds and folds; None with one of them."""
        return statistics.stdev(self.scores.values()) if len(self.scores) > 1 else None

    @property
    def first(self) -> TrackedRun:
        """The run that stands for all: of the lowest seed and fold, not the luckiest."""
        return next(iter(self.runs.values()))

    def metric(self, name: str) -> float | None:
        """Mean of a final metric over the runs that have it."""
        found = [run.metrics[name] for run in self.runs.values() if is_usable(run.metrics.get(name, math.nan))]
        return statistics.fmean(found) if found else None

    @property
    def seconds(self) -> float | None:
        """Of training, per run."""
        return self.metric("seconds_fit")


@dataclass(frozen=True)
class Comparison:
    """Configurations, the best of validation first, and what did not get that far."""

    title: str
    objective: str  # a final validation score, such as val_rmse
    candidates: list[Candidate]
    varying: list[str]  # keys of the parameters that differ
    others: dict[str, list[TrackedRun]]  # runs without a rank, by state
    notes: list[str]  # what a reader should know before he believes the ranking

    @property
    def sign(self) -> int:
        """1 where lower is better, else -1: what a score is multiplied by to be a cost."""
        return sign(self.objective)

    @property
    def measure(self) -> str:
        """The objective without its split, as in rmse."""
        return self.objective.removeprefix("val_")

    @property
    def n_ranked(self) -> int:
        """Runs behind the candidates."""
        return sum(len(candidate.runs) for candidate in self.candidates)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The shortest end of each varying key that no other has."""
        return {key: _shortest(key, self.varying) for key in self.varying}

    def counts(self) -> str:
        """How many runs finished, and how many did not, by state."""
        told = [f"{self.n_ranked} finished", *(f"{len(runs)} {state}" for state, runs in self.others.items())]
        return ", ".join(told)

    def better(self) -> str:
        """Which way the objective is better."""
        return "lower is better" if self.sign > 0 else "higher is better"


def compare(selected: Selected, objective: str | None = None) -> Comparison:
    """Ranks runs by their objective, or by another validation score.

    Args:
        selected: The runs.
        objective: Name of a `val_*` score; None is what most of the runs name.

    Raises:
        ConfigError: The name is no validation score.
    """
    states = _by_state(selected.runs)
    finished, notes = states.pop("finished", []), list[str]()
    if objective is None:
        objective, finished, notes = _shared_objective(finished)
    elif not objective.startswith("val_") or direction(objective) is None:
        raise ConfigError(f"--objective: {objective} is no validation score, as val_rmse and val_log_loss are")
    scored = {run.id: score for run in finished if is_usable(score := _score(run, objective))}
    without = [run for run in finished if run.id not in scored]
    if without:
        states["without a score"] = without
    ranked = [run for run in finished if run.id in scored]
    states = _without_made_good(states, ranked)
    varying = _varying(ranked)
    candidates = sorted(_candidates(ranked, scored, varying), key=lambda found: _rank(found, sign(objective)))
    notes += _data_notes(ranked) + _replica_notes(candidates)
    others = {state: states[state] for state in OTHER_STATES if state in states}
    return Comparison(selected.title, objective, candidates, varying, others, notes)


def reason(run: TrackedRun) -> str:
    """Why a run did not finish, where it says so."""
    return run.tags.get("error") or run.tags.get("pruned_because", "")


def sign(objective: str) -> int:
    """1 where lower is better, else -1."""
    return -1 if direction(objective) == "maximize" else 1


def _by_state(runs: Iterable[TrackedRun]) -> dict[str, list[TrackedRun]]:
    states: dict[str, list[TrackedRun]] = defaultdict(list)
    names = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "killed"}
    for run in runs:
        pruned = run.tags.get("pruned", "false").lower() != "false"
        states["pruned" if pruned else names.get(run.status, "running")].append(run)
    return dict(states)


def _without_made_good(states: dict[str, list[TrackedRun]], ranked: list[TrackedRun]) -> dict[str, list[TrackedRun]]:
    """What did not finish, but for the jobs of a sweep that finished when it was taken up again."""
    done = {_job(run) for run in ranked if "overrides" in run.tags}
    left = {state: [run for run in runs if _job(run) not in done] for state, runs in states.items()}
    return {state: runs for state, runs in left.items() if runs}


def _job(run: TrackedRun) -> tuple[str | None, str | None]:
    return run.tags.get("mlflow.parentRunId"), run.tags.get("overrides")


def _shared_objective(finished: list[TrackedRun]) -> tuple[str, list[TrackedRun], list[str]]:
    """The objective of most runs, those runs, and a note on the others."""
    counts = Counter(_objective(run) for run in finished)
    if not counts:
        return "val_rmse", finished, []
    (name, n_named), *others = counts.most_common()
    left_out = ", ".join(f"{n} with {other}" for other, n in others)
    notes = [f"{left_out} left out: {n_named} are compared by {name}; --objective picks another"] if others else []
    return name, [run for run in finished if _objective(run) == name], notes


def _objective(run: TrackedRun) -> str:
    """The first, where a run has several."""
    return run.tags.get("objective", "none").partition(",")[0].strip()


def _score(run: TrackedRun, objective: str) -> float:
    own = "objective" if run.tags.get("objective") == objective else objective
    return run.metrics.get(own, math.nan)


def _varying(runs: Sequence[TrackedRun]) -> list[str]:
    seen: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for key, value in run.params.items():
            seen[key].add(value)
    present = Counter(key for run in runs for key in run.params)
    return [
        key
        for key, values in seen.items()
        if (len(values) > 1 or present[key] < len(runs)) and key not in REPLICA and not key.startswith(NO_PARAMETER)
    ]


def _candidates(runs: list[TrackedRun], scored: dict[str, float], varying: list[str]) -> list[Candidate]:
    groups: dict[tuple[str, ...], dict[Replica, TrackedRun]] = defaultdict(dict)
    for run in sorted(runs, key=lambda run: run.started):
        same = (run.tags.get("data_fingerprint", ""), *(run.params.get(key, "") for key in varying))
        groups[same][tuple(run.params.get(key, "") for key in REPLICA)] = run
    found = []
    for same, replicas in groups.items():
        in_order = {key: replicas[key] for key in sorted(replicas, key=lambda key: [order(part) for part in key])}
        params = dict(zip(varying, same[1:], strict=True))
        found.append(Candidate(params, in_order, {key: scored[run.id] for key, run in in_order.items()}))
    return found


def _rank(candidate: Candidate, sign: int) -> tuple[float, float, float]:
    """Ties go to the smaller network, then to the older run."""
    return sign * candidate.mean, candidate.metric("n_parameters") or 0.0, candidate.first.started


def _data_notes(runs: list[TrackedRun]) -> list[str]:
    prints = {run.tags.get("data_fingerprint", "") for run in runs}
    if len(prints) <= 1:
        return []
    return [f"these runs saw {len(prints)} different sets of rows (data_fingerprint): their scores do not compare"]


def _replica_notes(candidates: list[Candidate]) -> list[str]:
    numbers = sorted({len(candidate.runs) for candidate in candidates})
    if len(numbers) <= 1:
        return []
    return [f"configurations have from {numbers[0]} to {numbers[-1]} runs: a mean over fewer is more a matter of luck"]


def _shortest(key: str, keys: Iterable[str]) -> str:
    parts = key.split(".")
    for start in range(len(parts) - 1, 0, -1):
        end = ".".join(parts[start:])
        if sum(other == end or other.endswith(f".{end}") for other in keys) == 1:
            return end
    return key
