"""Folds: each of them is the test part once, while the others train."""

import warnings
from collections.abc import Iterator
from itertools import islice

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from pipeline.config.rules import Split
from pipeline.data.rows import Rows
from pipeline.data.splits.uneven import UnevenClassesError
from pipeline.data.target import Target
from pipeline.errors import DataError

N_FOLDS = 5  # of the rows that train or validate, if each of them validates once
MAX_GROUPS_TO_BALANCE = 10_000  # StratifiedGroupKFold takes 0.14 ms for each; more balance by chance


def rows_of_fold(rows: Rows, config: Split, groups: np.ndarray | None) -> np.ndarray:
    """Row numbers of the test fold; classes are balanced over the folds, groups stay whole.

    Args:
        rows: All rows.
        config: The section `data.split`: the number of folds, the test fold, and the seed.
        groups: `(n_rows,)` int64, a number per group, for folds of whole groups.

    Raises:
        DataError: There are fewer rows, groups or rows of a class than folds.
    """
    n_parts, what = (len(rows), "rows") if groups is None else (len(np.unique(groups)), "groups")
    if n_parts < config.n_folds:
        where = "" if groups is None else f" in column {config.column!r}"
        raise DataError(
            f"data.split.n_folds: {config.n_folds} folds need as many {what}, but there are {n_parts}{where}; "
            f"use fewer folds or more {what}"
        )
    if rows.target.task != "regression":
        _check_classes(rows.target, config)
    return next(islice(folds(rows.target, groups, config.n_folds, config.seed), config.fold, None))


def folds(target: Target, groups: np.ndarray | None, n_folds: int, seed: int) -> Iterator[np.ndarray]:
    """Row numbers of one fold after the other, `(n,)` int64 in ascending order.

    Args:
        target: Target of the rows; classes are balanced over the folds, except those with fewer rows than folds.
        groups: `(n_rows,)` int64, groups that stay whole; None to draw single rows.
        n_folds: At most as many as there are rows or groups.
        seed: Seed of the draw.
    """
    balanced = target.task != "regression" and np.bincount(target.values[:, 0]).max() >= n_folds
    if groups is None:
        kind = StratifiedKFold if balanced else KFold
    else:
        few = balanced and len(np.unique(groups)) <= MAX_GROUPS_TO_BALANCE
        kind = StratifiedGroupKFold if few else GroupKFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        pairs = kind(n_folds, shuffle=True, random_state=seed).split(target.values, target.values[:, 0], groups)
        for _, fold in pairs:
            yield fold.astype(np.int64)


def _check_classes(target: Target, config: Split) -> None:
    counts = np.bincount(target.values[:, 0], minlength=len(target.classes))
    rare = np.flatnonzero(counts < config.n_folds)
    if len(rare):
        found = [f"{target.classes[number : number + 1].tolist()[0]!r} has {counts[number]}" for number in rare[:5]]
        raise UnevenClassesError(
            f"data.split.n_folds: every class needs a row in each of {config.n_folds} folds, but class "
            f"{', '.join(found)}{', ...' if len(rare) > 5 else ''}"
        )
