"""The leaderboard of `tune`: configurations ordered by score."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LeaderboardRow:
    """A configuration and its share of the ensemble."""

    number: int
    words: str  # overrides that distinguish it from the others
    loss: float  # its own loss on validation rows
    error: float  # standard error of its distance to the ensemble on these rows
    share: float  # of the ensemble
    epochs: int  # total of all its folds
    seconds: float
    run_ids: tuple[str, ...]  # one, or one per fold

    @property
    def run_id(self) -> str:
        """Id of the run, or the ids of all folds separated by spaces."""
        return " ".join(self.run_ids)


def as_csv(lines: Sequence[LeaderboardRow]) -> str:
    """Formats the leaderboard as CSV, one line per configuration."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["network", "overrides", "loss", "error", "share", "epochs", "seconds", "run_id"])
    writer.writerows(
        [line.number, line.words, line.loss, line.error, line.share, line.epochs, round(line.seconds, 3), line.run_id]
        for line in lines
    )
    return text.getvalue()
