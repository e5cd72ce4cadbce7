"""How far a sweep is: a line for each trial that has ended, with what tells it from the others and the time left."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence

VARIABLE = "PIPELINE_SWEPT"  # keys that a sweep gives several values, as JSON: by the environment it reaches every job
NOT_RUN = "not_run"  # attribute of a log record on a trial that was not run, because it was finished before, say: why
FEWEST = 2  # trials that must have been run before their time says something of the others'


class Progress:
    """Counts the trials of a sweep as they end."""

    def __init__(self, n_trials: int | None) -> None:
        """Begins to count.

        Args:
            n_trials: How many there are to be; None where nobody knows.
        """
        self.n_trials = n_trials
        self.n_ended = 0
        self._n_run = 0
        self._began = time.monotonic()

    def ended(self, words: str, outcome: str, *, was_run: bool = True) -> str:
        """Counts a trial; gives its line, such as `3/8  model.units=[32]  objective 0.12, 4.1 s; 20 s left`.

        Args:
            words: What tells it from the others.
            outcome: Of the trial, such as its score.
            was_run: Whether it took its time, rather than having been finished before.
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
    """A time of which nobody wants the last digit."""
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def swept_words(words: Sequence[str]) -> str:
    """Of a job's overrides those whose keys have several values in its sweep; all where nobody has said which."""
    keys = json.loads(os.environ.get(VARIABLE) or "[]")
    own = [word for word in words if word.lstrip("+").partition("=")[0] in keys]
    return " ".join(own or words)
