"""Ranks configurations by validation scores; test scores are only shown."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.compare.candidates import Candidate, grouped, varying_keys
from pipeline.compare.logged_values import is_usable
from pipeline.compare.pareto import pareto_front
from pipeline.config import MEASURED, direction
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.track import Selected, TrackedRun

OTHER_STATES = ("pruned", "failed", "killed", "running", "without a score")


@dataclass(frozen=True)
class Comparison:
    """Configurations, best validation score first, and runs without a rank."""

    title: str
    objective: str  # final validation score that ranks them, such as val_rmse
    objectives: list[str]  # of their search, if it had several
    candidates: list[Candidate]
    varying: list[str]  # keys of the parameters that differ
    n_finished: int  # runs, including those replaced by a later one of the same configuration and seed
    others: dict[str, list[TrackedRun]]  # runs without a rank, by state
    notes: list[str]  # caveats of the ranking

    @property
    def best(self) -> Candidate | None:
        """The configuration with rank 1; None if nothing is ranked."""
        return next(iter(self.candidates), None)

    @property
    def sign(self) -> int:
        """1 if lower is better, else -1: the factor that turns a score into a cost."""
        return sign(self.objective)

    @property
    def measure(self) -> str:
        """The objective without its split, such as rmse."""
        return self.objective.removeprefix("val_")

    @cached_property
    def labels(self) -> dict[str, str]:
        """The shortest unique suffix of each varying key."""
        return {key: _shortest(key, self.varying) for key in self.varying}

    @cached_property
    def on_front(self) -> list[bool]:
        """Whether each candidate is on the Pareto front; False without several objectives."""
        return pareto_front([self._known(candidate) for candidate in self.candidates], self.objectives)

    @property
    def places(self) -> list[str]:
        """Each candidate's rank, with a star on the Pareto front."""
        return [f"* {rank}" if best else str(rank) for rank, best in enumerate(self.on_front, 1)]

    @property
    def other_scores(self) -> list[str]:
        """Objectives that tables of configurations do not list already."""
        return [name for name in self.objectives if name not in (self.objective, *MEASURED)]

    def value(self, candidate: Candidate, name: str) -> float | None:
        """Returns a candidate's mean of the objective or of another final metric.

        Args:
            candidate: The configuration.
            name: Name of the metric.
        """
        return candidate.mean if name == self.objective else candidate.metric(name)

    def _known(self, candidate: Candidate) -> dict[str, float]:
        found = {name: self.value(candidate, name) for name in self.objectives}
        return {name: value for name, value in found.items() if value is not None}

    def counts(self) -> str:
        """Describes the number of finished runs, and of others by state."""
        message = [f"{self.n_finished} finished", *(f"{len(runs)} {state}" for state, runs in self.others.items())]
        return ", ".join(message)

    def better(self) -> str:
        """Describes the direction of the objective."""
        return "lower is better" if self.sign > 0 else "higher is better"


def compare(selected: Selected, objective: str | None = None) -> Comparison:
    """Ranks runs by their objective, or by another validation score.

    Args:
        selected: The runs.
        objective: Name of a `val_*` score; None takes the objective of most runs.

    Raises:
        ConfigError: The name is not a validation score, or no run has it.
    """
    states = _by_state(selected.runs)
    finished, notes = states.pop("finished", []), list[str]()
    n_finished = len(finished)
    if objective is None:
        objective, finished, notes = _shared_objective(finished, selected.runs)
    elif not objective.startswith("val_") or direction(objective) is None:
        raise ConfigError(f"--objective: {objective} is not a validation score such as val_rmse or val_log_loss")
    scored = {run.id: score for run in finished if is_usable(score := _score(run, objective))}
    if finished and not scored and objective != _objective(finished[0]):
        raise ConfigError(f"--objective: none of these runs has {objective}; they have {_known_scores(finished)}")
    without = [run for run in finished if run.id not in scored]
    if without:
        states["without a score"] = without
        n_finished -= len(without)
    ranked = [run for run in finished if run.id in scored]
    varying = varying_keys(ranked)
    candidates = sorted(grouped(ranked, scored, varying, sign(objective)), key=_rank)
    objectives = _objectives(ranked)
    notes += _front_notes(objective, objectives) + _data_notes(ranked) + _replica_notes(candidates, len(ranked))
    others = {state: states[state] for state in OTHER_STATES if state in states}
    return Comparison(selected.title, objective, objectives, candidates, varying, n_finished, others, notes)


def reason(run: TrackedRun) -> str:
    """Returns why a run did not finish; empty if it is unknown."""
    return run.tags.get("error") or run.tags.get("pruned_because", "")


def sign(objective: str) -> int:
    """Returns 1 if a lower objective is better, else -1."""
    return -1 if direction(objective) == "maximize" else 1


def _by_state(runs: Iterable[TrackedRun]) -> dict[str, list[TrackedRun]]:
    states: dict[str, list[TrackedRun]] = defaultdict(list)
    for run in runs:
        states[run.state].append(run)
    return dict(states)


def _shared_objective(
    finished: list[TrackedRun], runs: Sequence[TrackedRun]
) -> tuple[str, list[TrackedRun], list[str]]:
    """Returns the objective of most finished runs (of all runs if none finished), these runs, and a note on others."""
    counts = Counter(_objective(run) for run in finished)
    if not counts:
        return next((run.tags["objective"] for run in runs if "objective" in run.tags), "objective"), finished, []
    (name, n_named), *others = counts.most_common()
    left_out = ", ".join(f"{n} with {other}" for other, n in others)
    notes = [f"{left_out} left out: {n_named} are compared by {name}; --objective selects another"] if others else []
    return name, [run for run in finished if _objective(run) == name], notes


def _objective(run: TrackedRun) -> str:
    return run.tags.get("objective", "none")


def _known_scores(runs: list[TrackedRun]) -> str:
    names = {name for run in runs for name in run.metrics if name.startswith("val_") and direction(name)}
    return ", ".join(sorted(names))


def _objectives(runs: list[TrackedRun]) -> list[str]:
    """Returns the objectives of the runs' common search; empty without a common search."""
    named = {run.tags.get("objectives", "") for run in runs}
    return [name for name in named.pop().split(", ") if name] if len(named) == 1 else []


def _score(run: TrackedRun, objective: str) -> float:
    own = "objective" if run.tags.get("objective") == objective else objective
    return run.metrics.get(own, math.nan)


def _rank(candidate: Candidate) -> tuple[float, float, float]:
    """Returns the sort key: score, then size of the network, then age."""
    oldest = min(run.started for run in candidate.runs.values())
    return candidate.sign * candidate.mean, candidate.metric("n_parameters") or 0.0, oldest


def _front_notes(objective: str, objectives: list[str]) -> list[str]:
    if not objectives:
        return []
    all_of_them = f"{', '.join(objectives[:-1])} and {objectives[-1]}"
    return [f"ranked by {objective}; * no other is as good in {all_of_them} and better in one of them (Pareto front)"]


def _data_notes(runs: list[TrackedRun]) -> list[str]:
    prints = {run.tags.get("data_fingerprint", "") for run in runs}
    if len(prints) <= 1:
        return []
    message = f"these runs used {len(prints)} different sets of rows or columns (data_fingerprint)"
    return [f"{message}: scores on different rows are not comparable"]


def _replica_notes(candidates: list[Candidate], n_ranked: int) -> list[str]:
    again = n_ranked - sum(len(candidate.runs) for candidate in candidates)
    notes = [f"{again} left out: replaced by a later run of the same configuration and seed"] if again else []
    numbers = sorted({len(candidate.runs) for candidate in candidates})
    if len(numbers) <= 1:
        return notes
    message = f"configurations have from {numbers[0]} to {numbers[-1]} runs: a mean over fewer runs is noisier"
    return [*notes, message]


def _shortest(key: str, keys: Iterable[str]) -> str:
    parts = key.split(".")
    for start in range(len(parts) - 1, 0, -1):
        end = ".".join(parts[start:])
        if sum(other == end or other.endswith(f".{end}") for other in keys) == 1:
            return end
    return key
