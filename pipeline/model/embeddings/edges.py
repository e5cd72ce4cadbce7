"""Edges of the bins of a piecewise-linear embedding, from scaled training rows."""

from __future__ import annotations

import numpy as np

MAX_BINS, MIN_BINS, ROWS_PER_BIN = 48, 8, 20
LEAF, IMPURITY_DECREASE = 64, 1e-4  # leaf size and minimum gain of the tree whose splits are edges
NARROWEST = 1e-4  # bin width in scaled units: LiteRT scales in float32, which cannot resolve narrower bins


def quantile_edges(column: np.ndarray, n_bins: int | None) -> list[float] | None:
    """Returns edges at quantiles; None for a column of fewer than three distinct values, which bins do not help.

    A value of more than 1 / `n_bins` of the rows gets its own pair of edges, and the quantiles are those of the other
    rows: otherwise a column that is mostly zero would have almost no bins for its other values.

    Args:
        column: `(n_rows,)`.
        n_bins: Maximum number of bins; None: min(48, distinct values - 1, max(8, n_rows / 20)).
    """
    values, counts = np.unique(column, return_counts=True)
    if len(values) < 3:
        return None
    n_bins = n_bins or min(MAX_BINS, max(MIN_BINS, len(column) // ROWS_PER_BIN))
    n_bins = min(n_bins, len(values) - 1)
    often = counts > len(column) / n_bins
    left = np.repeat(values[~often], counts[~often])
    n_left = max(1, n_bins - 2 * int(often.sum()))
    quantiles = np.quantile(left, np.linspace(0, 1, n_left + 1)) if len(left) else np.empty(0)
    pairs = [_pair(values, at) for at in np.flatnonzero(often).tolist()]
    return _parted(np.concatenate([quantiles, *pairs, values[[0, -1]]]))


def target_edges(column: np.ndarray, y: np.ndarray, task: str, n_bins: int | None) -> list[float] | None:
    """Returns edges where a decision tree on this column alone splits the targets (Gorishniy et al. 2022, section 3.2).

    Args:
        column: `(n_rows,)`.
        y: `(n_rows, n_outputs)`: scaled targets, or `(n_rows, 1)` classes.
        task: `regression`, or one with classes.
        n_bins: Maximum number of bins; None: 48.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    values = np.unique(column)
    if len(values) < 3:
        return None
    options = {
        "max_leaf_nodes": max(2, n_bins or MAX_BINS),
        "min_samples_leaf": min(LEAF, max(1, len(column) // ROWS_PER_BIN)),
        "min_impurity_decrease": IMPURITY_DECREASE,
        "random_state": 0,
    }
    if task == "regression":
        spread = y.std(axis=0)
        # Gains are measured in squared units of the targets, which `data.output_scaling=none` leaves as they are.
        tree = DecisionTreeRegressor(**options).fit(column[:, None], y / np.where(spread > 0, spread, 1))
    else:
        tree = DecisionTreeClassifier(**options).fit(column[:, None], y[:, 0])
    splits = tree.tree_.threshold[tree.tree_.children_left != -1]
    return _parted(np.concatenate([splits, values[[0, -1]]]))


def _pair(values: np.ndarray, at: int) -> np.ndarray:
    """Returns edges half-way to the neighbours of a value."""
    before, after = values[max(at - 1, 0)], values[min(at + 1, len(values) - 1)]
    return np.array([(values[at] + before) / 2, (values[at] + after) / 2])


def _parted(edges: np.ndarray) -> list[float] | None:
    """Sorts edges and drops those too close to the previous one; None if no bin is left."""
    first, *others = np.unique(edges.astype(np.float64)).tolist()
    kept: list[float] = [first]
    for edge in others:
        if edge - kept[-1] >= NARROWEST:
            kept.append(edge)
    return kept if len(kept) > 1 else None
