"""Configurations: the runs that differ in nothing but their seed or fold, taken together."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.compare.values import is_usable, order

if TYPE_CHECKING:
    from pipeline.track import TrackedRun

# What tells the repetitions of one configuration apart.
REPLICA = ("seed", "data.split.seed", "data.split.fold")
NO_PARAMETER = ("tracking.", "objective")  # keys that say where a run is kept and what is looked at

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


def varying_keys(runs: Sequence[TrackedRun]) -> list[str]:
    """Keys of the parameters that are not the same in all runs, but for seeds and folds."""
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


def grouped(runs: Sequence[TrackedRun], scored: Mapping[str, float], varying: Sequence[str]) -> list[Candidate]:
    """The configurations of runs.

    Args:
        runs: Finished ones.
        scored: Their validation scores, by run id.
        varying: Keys of the parameters that tell them apart, beside the rows.
    """
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
