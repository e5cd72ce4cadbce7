"""Runs all checks on the raw rows and puts what they find in a report."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.config.rules import Kind
from pipeline.data.checks import report_text
from pipeline.data.checks.column_summary import Findings, describe, distribution
from pipeline.data.checks.duplicates import duplicates
from pipeline.data.checks.facts import Report
from pipeline.data.checks.leakage import is_suspicious, scores_alone
from pipeline.data.checks.levels import label
from pipeline.data.checks.useless import useless
from pipeline.data.dataset import Dataset
from pipeline.data.rows import Rows
from pipeline.data.splits import Splits

log = logging.getLogger(__name__)


def report(dataset: Dataset, kinds: Mapping[str, Kind], dropped: Sequence[str] = ()) -> Report:
    """Checks the raw rows before training.

    Args:
        dataset: All rows; an array without column names is described as a whole.
        kinds: Kind by input column.
        dropped: `data.drop`, which the overrides of warnings keep.
    """
    rows, splits, training = dataset.rows, dataset.splits, dataset.part("train")
    reasons, scores = useless(training, kinds), scores_alone(training)
    task, (n_duplicates, n_copies) = rows.target.task, duplicates(rows, splits)
    found = Report(
        name=rows.name,
        fingerprint=dataset.fingerprint,
        task=task,
        n_rows=len(dataset),
        n_columns=rows.n_inputs,
        n_rows_by_split=dict(dataset.n_rows),
        n_rows_looked_at=len(rows),
        classes={} if task == "regression" else _classes(rows, splits),
        ranges=_ranges(rows, splits) if task == "regression" else {},
        target_shares=_target_shares(training) if task == "regression" else {},
        n_duplicate_rows=n_duplicates,
        n_copies_of_training_rows=n_copies,
        suspicious={name: round(score, 4) for name, score in scores.items() if is_suspicious(task, score)},
        columns=[
            describe(name, column, kinds[name], splits, Findings(reasons.get(name), scores.get(name)))
            for name, column in rows.inputs.items()
        ],
        dropped=list(dropped),
    )
    log.info("\n".join(report_text.lines(found)))
    return found


def _classes(rows: Rows, splits: Splits) -> dict[str, dict[str, int]]:
    labels, numbers = [label(value) for value in rows.target.classes.tolist()], rows.target.values[:, 0]
    return {
        part: dict(zip(labels, np.bincount(numbers[chosen], minlength=len(labels)).tolist(), strict=True))
        for part, chosen in splits.parts().items()
    }


def _ranges(rows: Rows, splits: Splits) -> dict[str, dict[str, dict[str, float | None]]]:
    return {
        name: {part: _range(values[chosen]) for part, chosen in splits.parts().items()}
        for name, values in zip(rows.target.names, rows.target.values.T, strict=True)
    }


def _target_shares(training: Rows) -> dict[str, list[float]]:
    """Shares of each output's training values by bin."""
    target = training.target
    return {name: distribution(values) for name, values in zip(target.names, target.values.T, strict=True)}


def _range(values: np.ndarray) -> dict[str, float | None]:
    """Lowest, mean and highest value; None without rows."""
    if not len(values):
        return {"min": None, "mean": None, "max": None}
    return {"min": float(values.min()), "mean": float(values.mean()), "max": float(values.max())}
