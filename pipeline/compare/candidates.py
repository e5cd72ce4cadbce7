"""Configurations: groups of runs that differ only in seed or fold."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.compare.logged_values import is_usable, order
from pipeline.runtime.console import number

if TYPE_CHECKING:
    from pipeline.track import TrackedRun

# Keys that distinguish the repetitions of one configuration.
REPLICA = ("seed", "data.split.seed", "data.split.fold")
# Prefixes of keys that do not change the network.
NO_PARAMETER = ("tracking.", "objective", "baseline", "fit.checkpoint", "fit.resume")

Replica = tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """One configuration and its runs over seeds and folds, the latest of repeated ones."""

    params: dict[str, str]  # those that differ within the comparison
    runs: dict[Replica, TrackedRun]
    scores: dict[Replica, float]  # of validation
    sign: int  # 1 if a lower score is better, else -1

    @cached_property
    def mean(self) -> float:
        """Mean of the validation score over seeds and folds."""
        return statistics.fmean(self.scores.values())

    @cached_property
    def deviation(self) -> float | None:
        """Standard deviation over seeds and folds; None for a single run."""
        return statistics.stdev(self.scores.values()) if len(self.scores) > 1 else None

    @cached_property
    def has_one_split(self) -> bool:
        """Whether all runs were validated on the same rows."""
        return on_same_rows(self.runs)

    @cached_property
    def replica(self) -> Replica:
        """Seed and fold of the representative run.

        If all runs were validated on the same rows, it is the run with the best score. If seeds or folds draw the rows,
        the best score only shows the easiest rows: then it is the run with the median score, and the lower seed or fold
        of two.
        """
        ranked = sorted(self.scores, key=lambda replica: self.sign * self.scores[replica])
        if self.has_one_split:
            return ranked[0]
        middle = ranked[(len(ranked) - 1) // 2 : len(ranked) // 2 + 1]
        return next(replica for replica in self.scores if replica in middle)

    @property
    def run(self) -> TrackedRun:
        """The representative run, for commands that take a single run."""
        return self.runs[self.replica]

    @property
    def choice(self) -> str:
        """Describes how the representative run was chosen."""
        if len(self.runs) == 1:
            return "the only run"
        if self.has_one_split:
            return f"the best of {len(self.runs)} runs on the same validation rows"
        return f"the median of {len(self.runs)} runs on different validation rows"

    def metric(self, name: str) -> float | None:
        """Returns the mean of a final metric over the runs that have it; None if no run has it."""
        found = [run.metrics[name] for run in self.runs.values() if is_usable(run.metrics.get(name, math.nan))]
        return statistics.fmean(found) if found else None

    @property
    def seconds(self) -> float | None:
        """Mean training time per run, in seconds."""
        return self.metric("seconds_fit")


def with_deviation(candidate: Candidate) -> str:
    """Formats the mean score, with ± its deviation if there are several seeds or folds."""
    deviation = candidate.deviation
    return number(candidate.mean) + ("" if deviation is None else f" ± {deviation:.2g}")


def on_same_rows(runs: Mapping[Replica, TrackedRun]) -> bool:
    """Whether runs of one configuration share validation rows, by their digest, or else by the keys of the split."""
    digests = {run.val_digest for run in runs.values()}
    return len({replica[1:] for replica in runs} if None in digests else digests) <= 1


def varying_keys(runs: Sequence[TrackedRun]) -> list[str]:
    """Returns the keys of parameters that differ between runs, except seeds and folds."""
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


def grouped(
    runs: Sequence[TrackedRun], scored: Mapping[str, float], varying: Sequence[str], sign: int
) -> list[Candidate]:
    """Groups runs by configuration.

    Args:
        runs: Finished runs.
        scored: Their validation scores, by run id.
        varying: Keys of the parameters that distinguish configurations, in addition to the rows.
        sign: 1 if a lower score is better, else -1.
    """
    groups: dict[tuple[str, ...], dict[Replica, TrackedRun]] = defaultdict(dict)
    for run in sorted(runs, key=lambda run: run.started):
        same = (run.tags.get("data_fingerprint", ""), _limits(run), *(run.params.get(key, "") for key in varying))
        groups[same][tuple(run.params.get(key, "") for key in REPLICA)] = run
    found = []
    for same, replicas in groups.items():
        in_order = {key: replicas[key] for key in sorted(replicas, key=lambda key: [order(part) for part in key])}
        params = dict(zip(varying, same[2:], strict=True))
        found.append(Candidate(params, in_order, {key: scored[run.id] for key, run in in_order.items()}, sign))
    return found


def _limits(run: TrackedRun) -> str:
    """Returns the settings of `tune`, which are no parameters; empty for a run that is not its ensemble."""
    if "tuned" not in run.tags:
        return ""
    words = run.tags["tuned"].split()  # each quoted for a shell if necessary
    return " ".join(["tune", *sorted(word for word in words if word.lstrip("'").startswith("tune."))])
