"""Permutation importance (Breiman 2001): how much worse the model is when a column's values are shuffled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.data import RawColumn, Rows
from pipeline.evaluate.error_analysis import row_losses

MAX_ROWS = 2000
MIN_ROWS = 100  # with more columns than leave so many, nothing is said
MAX_REPEATS = 5
MAX_PREDICTED = 30_000  # rows in all: bounds the time
BLOCK_ROWS = 8192  # that are predicted at a time

Predict = Callable[[Mapping[str, RawColumn]], dict[str, np.ndarray]]


@dataclass(frozen=True)
class ColumnImportance:
    """What a column is worth, with a 95 % interval over the rows."""

    column: str
    mean: float
    low: float
    high: float


def importance(predict: Predict, rows: Rows, seed: int) -> list[ColumnImportance]:
    """The loss of R² (of several targets the mean) or the rise of log loss by column, the largest first.

    Args:
        predict: From raw columns to original units, or to probabilities.
        rows: Raw validation rows, of which some are drawn.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    columns = _columns(rows)
    n_rows = min(len(rows), MAX_ROWS, MAX_PREDICTED // len(columns))
    if n_rows < min(MIN_ROWS, len(rows)):
        return []
    rows = rows.take(rng.choice(len(rows), n_rows, replace=False))
    repeats = int(np.clip(MAX_PREDICTED // (n_rows * len(columns)), 1, MAX_REPEATS))
    risen = np.zeros((len(columns), n_rows))
    before = _losses(rows, predict(rows.inputs), 1)[0]
    jobs = [(number, rng.permutation(n_rows)) for number in range(len(columns)) for _ in range(repeats)]
    at_once = max(1, BLOCK_ROWS // n_rows)
    for start in range(0, len(jobs), at_once):
        some = jobs[start : start + at_once]
        losses = _losses(rows, predict(_shuffled(rows, columns, some)), len(some))
        for (number, _), after in zip(some, losses, strict=True):
            risen[number] += (after - before) / repeats
    if rows.sample_weight is not None:
        risen *= rows.sample_weight / rows.sample_weight.mean()
    means, errors = risen.mean(axis=1), 1.96 * risen.std(axis=1) / np.sqrt(n_rows)
    found = [
        ColumnImportance(name if at is None else f"{name}[{at}]", float(mean), float(mean - error), float(mean + error))
        for (name, at), mean, error in zip(columns, means, errors, strict=True)
    ]
    return sorted(found, key=lambda entry: -entry.mean)


def _columns(rows: Rows) -> list[tuple[str, int | None]]:
    """Names, and of an array the numbers of its columns."""

    def of(name: str, column: RawColumn) -> Iterator[tuple[str, int | None]]:
        if column.ndim == 2:
            yield from ((name, at) for at in range(column.shape[1]))
        else:
            yield name, None

    return [entry for name, column in rows.inputs.items() for entry in of(name, column)]


def _shuffled(
    rows: Rows, columns: list[tuple[str, int | None]], jobs: list[tuple[int, np.ndarray]]
) -> dict[str, RawColumn]:
    """All rows once per job, one after the other, each time with one column shuffled."""
    n_rows = len(rows)
    numbers = {name: np.tile(np.arange(n_rows), len(jobs)) for name in rows.inputs}
    for place, (number, permutation) in enumerate(jobs):
        name, at = columns[number]
        if at is None:
            numbers[name][place * n_rows : (place + 1) * n_rows] = permutation
    made = {name: column[numbers[name]] for name, column in rows.inputs.items()}
    for place, (number, permutation) in enumerate(jobs):
        name, at = columns[number]
        array = made[name]
        if at is not None and isinstance(array, np.ndarray):
            array[place * n_rows : (place + 1) * n_rows, at] = rows.inputs[name][permutation, at]
    return made


def _losses(rows: Rows, outputs: dict[str, np.ndarray], n_times: int) -> np.ndarray:
    """Loss of each row `(n_times, n_rows)` of predictions for the rows, several times over."""
    target = rows.target.take(np.tile(np.arange(len(rows)), n_times))
    return row_losses(target, outputs).reshape(n_times, -1)
