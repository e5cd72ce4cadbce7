"""The card's confusion matrix; of two classes before and after a threshold was learned, with what errors cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.data import Target
from pipeline.evaluate.confusion import BinaryDecisions
from pipeline.export.card.page import Page, number

if TYPE_CHECKING:
    from pipeline.evaluate import Columns


def of_two_classes(page: Page, made: BinaryDecisions) -> None:
    """Which class is the positive one, and errors and costs on validation and test rows.

    Args:
        page: Where to write.
        made: Decisions at 0.5 and at the learned threshold.
    """
    page.heading("Confusion matrix")
    page.paragraph(f"Positive class: {made.text}; all other rows are called {made.negative}.")
    entries = made.confusions
    counts = [(name, *(f"{entry.counts[name]:,}" for entry in entries)) for name in entries[0].counts]
    scores = [(name, *(number(entry.scores[name]) for entry in entries)) for name in entries[0].scores]
    page.table(["", *(entry.title for entry in entries)], [*counts, *scores])
    page.paragraph(
        f"Precision, recall and F1 of the positive class. Mean cost of a row: {made.costs}. Where rows have weights, "
        "these four weigh them."
    )


def of_many_classes(page: Page, target: Target, outputs: Columns) -> None:
    """Test rows by their class, and by what they are called.

    Args:
        page: Where to write.
        target: Of the test rows.
        outputs: Of the model for these rows, by name.
    """
    page.heading("Confusion matrix")
    counts = np.zeros((len(target.classes), len(target.classes)), int)
    np.add.at(counts, (target.values[:, 0], target.named(outputs)), 1)
    names = [str(label) for label in target.classes.tolist()]
    rows = [(name, *(f"{count:,}" for count in row)) for name, row in zip(names, counts.tolist(), strict=True)]
    page.table(["true, and predicted as", *names], rows)
    page.paragraph("Test rows.")
