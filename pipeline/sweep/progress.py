"""Progress of a sweep: a line for each finished trial, with the keys that vary and the time left."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence

VARIABLE = "PIPELINE_SWEPT"  # keys with several values in the sweep, as JSON; the environment passes it to every job
NOT_RUN = "not_run"  # attribute of a log record: why a trial was not run, such as that it is already finished
FEWEST = 2  # trials that must have run before the time left is estimated


class Progress:
    """Counts the trials of a sweep as they end."""

    def __init__(self, n_trials: int | None) -> None:
        """Starts the clock.

        Args:
            n_trials: Number of trials of the sweep; None if it is unknown.
        """
        self.n_trials = n_trials
        self.n_ended = 0
        self._n_run = 0
        self._began = time.monotonic()

    def ended(self, words: str, outcome: str, *, was_run: bool = True) -> str:
        """Counts a trial and returns its line, such as `3/8  model.units=[32]  objective 0.12, 4.1 s; 20 s left`.

        Args:
            words: The overrides that distinguish the trial.
            outcome: Result of the trial, such as its score.
            was_run: Whether this command ran it, rather than skipping a finished trial.
        """
        self.n_ended += 1
        self._n_run += was_run
        of_all = "" if self.n_trials is None else f"/{self.n_trials}"
        return "  ".join(part for part in (f"{self.n_ended}{of_all}", words, outcome) if part) + self._left()

    def _left(self) -> str:
        n_left = 0 if self.n_trials is None else self.n_trials - self.n_ended
        if n_left <= 0 or self._n_run < FEWEST:
            return ""
        return f"; {duration((time.monotonic() - self._began) / self._n_run * n_left)} left"


def duration(seconds: float) -> str:
    """Formats a duration in its largest suitable unit, rounded: `300 s` is `5 min`."""
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def swept_words(words: Sequence[str]) -> str:
    """Joins the overrides whose keys have several values in the sweep; all overrides if the keys are unknown."""
    keys = json.loads(os.environ.get(VARIABLE) or "[]")
    own = [word for word in words if word.lstrip("+").partition("=")[0] in keys]
    return " ".join(own or words)
