"""Error analysis: a model's worst rows, their share of the loss, and scores by slices of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.data import RawColumn, Rows, Target, TextArray
from pipeline.evaluate import Columns, score

WORST = 10  # listed rows
N_BINS = 4  # quantile bins of a numeric column
MAX_CATEGORIES = 6  # values of a column with a slice each; the others share one
MIN_ROWS = 5  # of a slice
BEYOND = 3.0  # standard errors by which a slice must be worse than the other rows


@dataclass(frozen=True)
class Slice:
    """Rows with the same value, or the same range of values, in a column."""

    column: str
    values: str  # such as `1.5 to 3` or a category
    n_rows: int
    scores: dict[str, float]
    share_of_rows: float
    share_of_loss: float
    is_worse: bool  # than the other rows, by more than chance


@dataclass(frozen=True)
class ErrorAnalysis:
    """The worst rows of a split, and its slices.

    Attributes:
        worst: Indices of the worst rows, worst first.
        shares: Share of the total loss of each of them.
        slices: By column, in the order of the given columns.
    """

    worst: np.ndarray
    shares: np.ndarray
    slices: list[Slice]

    @property
    def in_common(self) -> Slice | None:
        """The slice with the largest excess of loss over its share of rows; None if no slice is significantly worse."""
        worse = [found for found in self.slices if found.is_worse]
        return max(worse, key=lambda found: found.share_of_loss - found.share_of_rows, default=None)


def analyse(rows: Rows, outputs: Columns, columns: Sequence[str]) -> ErrorAnalysis:
    """Finds the rows and slices with the largest errors.

    Args:
        rows: Raw rows, with their targets and weights.
        outputs: The model's outputs for them.
        columns: Columns to slice by; columns that hold arrays are skipped.
    """
    losses = row_losses(rows.target, outputs)
    if rows.sample_weight is not None:
        losses = losses * rows.sample_weight
    whole = float(losses.sum()) or 1.0
    worst = np.argsort(-losses, kind="stable")[:WORST]
    slices = [
        _slice(column, values, chosen, losses, rows, outputs)
        for column in columns
        if column in rows.inputs and rows.inputs[column].ndim == 1
        for values, chosen in _parts(rows.inputs[column])
        if MIN_ROWS <= chosen.sum() < len(rows)
    ]
    return ErrorAnalysis(worst, losses[worst] / whole, slices)


def row_losses(target: Target, outputs: Columns) -> np.ndarray:
    """Computes the loss of each row, `(n_rows,)`: squared errors relative to the targets' variance, or nats.

    Args:
        target: The truth.
        outputs: Outputs of a model for the same rows.
    """
    if target.task == "regression":
        spread = target.values.var(axis=0)
        return np.mean((outputs["prediction"] - target.values) ** 2 / np.where(spread > 0, spread, 1), axis=1)
    truth = target.values[:, 0]
    own = outputs["probabilities"][np.arange(len(truth)), truth]
    return -np.log(np.clip(own, np.finfo(np.float64).eps, 1))


def _slice(column: str, values: str, chosen: np.ndarray, losses: np.ndarray, rows: Rows, outputs: Columns) -> Slice:
    numbers = np.flatnonzero(chosen)
    own, others = losses[chosen], losses[~chosen]
    error = np.sqrt(own.var(ddof=1) / len(own) + others.var() / len(others))
    of_slice = {name: made[numbers] for name, made in outputs.items()}
    weight = None if rows.sample_weight is None else rows.sample_weight[numbers]
    return Slice(
        column=column,
        values=values,
        n_rows=len(numbers),
        scores={} if weight is not None and not weight.any() else score(rows.target.take(numbers), of_slice, weight),
        share_of_rows=len(numbers) / len(losses),
        share_of_loss=float(own.sum() / (losses.sum() or 1.0)),
        is_worse=bool(own.mean() - others.mean() > BEYOND * error),
    )


def _parts(column: RawColumn) -> Iterator[tuple[str, np.ndarray]]:
    """Yields names and masks of a column's slices: quartiles or the most frequent values, and missing values."""
    if isinstance(column, TextArray):
        yield from _of_values(column.codes, [str(text) for text in column.levels])
        return
    numbers = column.astype(np.float64)
    gaps = np.isnan(numbers)
    known = np.unique(numbers[~gaps])
    if len(known) <= MAX_CATEGORIES:
        codes = np.where(gaps, -1, np.searchsorted(known, np.where(gaps, 0, numbers)))
        yield from _of_values(codes, [f"{value:g}" for value in known])
        return
    edges = np.unique(np.quantile(numbers[~gaps], np.linspace(0, 1, N_BINS + 1)))
    for low, high in pairwise(edges):
        upper = numbers <= high if high == edges[-1] else numbers < high
        yield f"{low:.5g} to {high:.5g}", (numbers >= low) & upper
    if gaps.any():
        yield "missing", gaps


def _of_values(codes: np.ndarray, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    first = [code for code in np.argsort(-counts, kind="stable")[:MAX_CATEGORIES] if counts[code]]
    for code in first:
        yield names[code] or "missing", codes == code
    if (others := ~np.isin(codes, [*first, -1])).any():
        yield "all others", others
    if (gaps := codes < 0).any():
        yield "missing", gaps
