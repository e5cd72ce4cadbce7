"""What a search and its trials exchange between processes: the trial's number and its result."""

from __future__ import annotations

from dataclasses import dataclass

TRIAL_VARIABLE = "PIPELINE_TRIAL"  # the study, its storage and the trial's number, as JSON; set for one job


@dataclass(frozen=True)
class Outcome:
    """The result of a trial of a search."""

    values: list[float] | None  # of the objectives; None if the trial was pruned
    pruned: bool = False

    def __str__(self) -> str:
        if self.values is None:
            return "pruned" if self.pruned else "no result"
        return "objective " + ", ".join(f"{value:.5g}" for value in self.values)
