"""Folds: parts of which each tests once while the others train."""

from itertools import islice

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from pipeline.config.rules import Split
from pipeline.data.rows import Rows
from pipeline.data.splits.uneven import UnevenClassesError
from pipeline.data.target import Target
from pipeline.errors import DataError

MOST_GROUPS_TO_BALANCE = 10_000  # StratifiedGroupKFold takes 0.14 ms for each; chance balances the classes of more


def rows_of_fold(rows: Rows, config: Split, groups: np.ndarray | None) -> np.ndarray:
    """Row numbers of the fold that tests; classes are balanced over the folds, groups stay whole.

    Args:
        rows: All rows.
        config: With the number of folds, which one tests, and the seed that draws them.
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
    has_classes = rows.target.task != "regression"
    if has_classes:
        _check_classes(rows.target, config)
    if groups is None:
        folds = StratifiedKFold if has_classes else KFold
    else:
        folds = StratifiedGroupKFold if has_classes and n_parts <= MOST_GROUPS_TO_BALANCE else GroupKFold
    drawn = folds(config.n_folds, shuffle=True, random_state=config.seed)
    pairs = drawn.split(np.zeros(len(rows)), rows.target.values[:, 0], groups)
    _, test = next(islice(pairs, config.fold, None))
    return test.astype(np.int64)


def _check_classes(target: Target, config: Split) -> None:
    counts = np.bincount(target.values[:, 0], minlength=len(target.classes))
    rare = np.flatnonzero(counts < config.n_folds)
    if len(rare):
        found = [f"{target.classes[number : number + 1].tolist()[0]!r} has {counts[number]}" for number in rare[:5]]
        raise UnevenClassesError(
            f"data.split.n_folds: every class needs a row in each of {config.n_folds} folds, but class "
            f"{', '.join(found)}{', ...' if len(rare) > 5 else ''}"
        )
