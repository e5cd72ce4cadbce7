"""The card's error analysis: the worst rows, and what rows that are predicted badly have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.data import RawColumn, Rows, Target
from pipeline.evaluate.error_analysis import BEYOND, ErrorAnalysis, analyse
from pipeline.export.card.page import Page, number

if TYPE_CHECKING:
    from pipeline.evaluate import Columns
    from pipeline.export import Assembled

SLICED, SHOWN = 3, 5  # of the most important columns
WIDEST_CELL = 32  # characters


def write(page: Page, assembled: Assembled, test: Rows, outputs: Columns, columns: list[str]) -> None:
    """The worst test rows, and scores by slices of the most important columns.

    Args:
        page: Gets a section.
        assembled: The model.
        test: Raw rows.
        outputs: What the model made of all test rows.
        columns: The most important first.
    """
    page.heading("Error analysis")
    if len(test) != len(next(iter(outputs.values()))):
        outputs = assembled.predict(test.inputs)  # of a table read in blocks, a sample of the test rows is there
    named = [column for column in columns if column in test.inputs and test.inputs[column].ndim == 1]
    found = analyse(test, outputs, named[:SLICED])
    page.paragraph(
        f"Of the loss on test rows the worst row makes {found.shares[0]:.1%}, the worst {len(found.shares)} "
        f"{found.shares.sum():.1%}."
    )
    _worst(page, test, outputs, found, named[:SHOWN])
    _slices(page, test, found)


def _worst(page: Page, test: Rows, outputs: Columns, found: ErrorAnalysis, shown: list[str]) -> None:
    """A line for each."""
    page.table(
        ["row", "target", "prediction", *shown, "share of the loss"],
        [
            (test.places(row), *_truth(test.target, outputs, row),
             *(_cell(test.inputs[column], row) for column in shown), f"{share:.1%}")
            for row, share in zip(found.worst.tolist(), found.shares, strict=True)
        ],
    )  # fmt: skip


def _slices(page: Page, test: Rows, found: ErrorAnalysis) -> None:
    """The worst of them in a sentence, and all in a table."""
    if common := found.in_common:
        page.paragraph(
            f"Rows with {common.column} {common.values} are {common.share_of_rows:.1%} of the rows and make "
            f"{common.share_of_loss:.1%} of the loss."
        )
    if found.slices:
        scores = ["rmse", "mae"] if test.target.task == "regression" else ["log_loss", "accuracy"]
        page.table(
            ["column", "values", "rows", *scores, ""],
            [
                (part.column, part.values, f"{part.n_rows:,}", *(number(part.scores.get(name)) for name in scores),
                 "worse than the others" if part.is_worse else "")
                for part in found.slices
            ],
        )  # fmt: skip
        page.paragraph(f"Slices of the most important columns; worse: by more than {BEYOND:g} standard errors.")


def _truth(target: Target, outputs: Columns, row: int) -> tuple[str, str]:
    """The target of a row and what the model says of it; of classes how sure it was of the true one."""
    if target.task == "regression":
        return _numbers(target.values[row]), _numbers(outputs["prediction"][row])
    truth = int(target.values[row, 0])
    said = target.classes[target.named(outputs)[row]]
    return str(target.classes[truth]), f"{said} ({target.classes[truth]}: {outputs['probabilities'][row, truth]:.2g})"


def _cell(column: RawColumn, row: int) -> str:
    """A raw value in short; nothing for a gap."""
    (value,) = np.asarray(column[row : row + 1]).tolist()
    if isinstance(value, str):
        return value if len(value) <= WIDEST_CELL else f"{value[: WIDEST_CELL - 3]}..."
    return "" if value != value else number(value)


def _numbers(values: np.ndarray) -> str:
    return ", ".join(map(number, values.tolist()))
