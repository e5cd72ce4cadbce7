"""What a search and its trials tell each other, from process to process: which trial it is, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass

TRIAL_VARIABLE = "PIPELINE_TRIAL"  # the study, its storage and the trial's number, as JSON; set for one job


@dataclass(frozen=True)
class Outcome:
    """What a trial of a search came to."""

    values: list[float] | None  # of the objectives
    pruned: bool = False

    def __str__(self) -> str:
        if self.values is None:
            return "pruned" if self.pruned else "no result"
        return "objective " + ", ".join(f"{value:.5g}" for value in self.values)
