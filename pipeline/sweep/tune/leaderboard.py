"""The networks of a tuning in the order of their scores."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.sweep.tune.members import Member


@dataclass(frozen=True)
class Line:
    """A network."""

    number: int
    words: str  # what distinguishes it
    loss: float  # by itself, on validation rows
    share: float  # of the ensemble
    epochs: int
    seconds: float
    run_id: str


def lines_of(members: Sequence[Member], shares: Mapping[int, float]) -> list[Line]:
    """Best first.

    Args:
        members: All that were trained.
        shares: Of the ensemble, by place in `members`.
    """
    lines = [
        Line(
            number=member.drawn.number,
            words=" ".join(member.drawn.words),
            loss=member.loss,
            share=shares.get(place, 0.0),
            epochs=len(member.checkpoint.epochs),
            seconds=member.checkpoint.seconds,
            run_id=member.checkpoint.run_id,
        )
        for place, member in enumerate(members)
    ]
    return sorted(lines, key=lambda line: line.loss)


def as_csv(lines: Sequence[Line]) -> str:
    """A row for each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["network", "overrides", "loss", "share", "epochs", "seconds", "run_id"])
    writer.writerows(
        [line.number, line.words, line.loss, line.share, line.epochs, round(line.seconds, 3), line.run_id]
        for line in lines
    )
    return text.getvalue()
