"""The configurations of an ensemble in the order of their scores."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LeaderboardRow:
    """A configuration."""

    number: int
    words: str  # what distinguishes it, as overrides
    loss: float  # by itself, on validation rows
    error: float  # standard error of how far it is behind the ensemble, over these rows
    share: float  # of the ensemble
    epochs: int  # of all its folds
    seconds: float
    run_ids: tuple[str, ...]  # one, or one for each fold

    @property
    def run_id(self) -> str:
        """Of the run, or of all of them with blanks between."""
        return " ".join(self.run_ids)


def as_csv(lines: Sequence[LeaderboardRow]) -> str:
    """A row for each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["network", "overrides", "loss", "error", "share", "epochs", "seconds", "run_id"])
    writer.writerows(
        [line.number, line.words, line.loss, line.error, line.share, line.epochs, round(line.seconds, 3), line.run_id]
        for line in lines
    )
    return text.getvalue()
