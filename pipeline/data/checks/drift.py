"""How much the distribution of a column differs between the training rows and the others."""

import numpy as np
from scipy.special import chdtri

from pipeline.data.checks.levels import Levels

N_BINS = 10  # bins of values; gaps have one more, and so have all rare categories together
STRONG = 0.25  # above this, credit scoring no longer treats two samples as the same population
CHANCE = 0.001  # how often two samples of the same population may be called strongly different


def number_bins(numbers: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Numbers binned by tenths of the training rows, or by value if there are few values; bin 0 holds the gaps.

    Args:
        numbers: `(n_rows,)` float64 with NaN for gaps.
        ordered: The training rows' numbers, sorted and without gaps.
    """
    if not len(ordered):
        return np.isfinite(numbers).astype(np.int64)
    distinct = _few_distinct(ordered)
    if distinct is None:
        positions = np.arange(1, N_BINS) * len(ordered) // N_BINS
        distinct = np.unique(np.append(ordered[positions], ordered[-1]))
    bins = 1 + np.searchsorted(distinct[:-1], numbers, side="left")
    bins[np.isnan(numbers)] = 0
    return bins


def _few_distinct(ordered: np.ndarray) -> np.ndarray | None:
    """The distinct values of sorted numbers, or None if there are more than N_BINS."""
    values: list[float] = []
    position = 0
    while position < len(ordered):
        if len(values) == N_BINS:
            return None
        values.append(ordered[position])
        position = int(np.searchsorted(ordered, ordered[position], side="right"))
    return np.array(values)


def level_bins(found: Levels, frequent: np.ndarray, counts: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Levels binned: gaps, one bin for each code in `frequent`, all other levels, and values new to training rows.

    A training row counts as new if no other training row has its value; a row of another part, if no training row has
    it. So chance alone shows new values equally often in both (Good 1953), and names or ids do not count as drift.

    Args:
        found: The column.
        frequent: Codes of the most frequent levels in training.
        counts: Training rows of each level, `(n_levels,)`.
        training: Row numbers of the training rows.
    """
    bins = np.full(len(found.values) + 1, len(frequent[:N_BINS]) + 1)
    bins[frequent[:N_BINS]] = np.arange(1, len(frequent[:N_BINS]) + 1)
    bins[-1] = 0  # for the code -1
    of_rows, others = bins[found.codes], np.append(counts, 1)[found.codes]
    others[training] -= found.codes[training] >= 0
    of_rows[others == 0] = len(frequent[:N_BINS]) + 2
    return of_rows


def unseen_share(codes: np.ndarray, counts: np.ndarray) -> float:
    """The share of rows whose value no training row has.

    Args:
        codes: Level of each row, `(n_rows,)`; -1 for a gap.
        counts: Training rows of each level, `(n_levels,)`.
    """
    there = codes[codes >= 0]
    return float((counts[there] == 0).sum() / max(1, len(codes)))


def stability(train: np.ndarray, other: np.ndarray) -> tuple[float, bool]:
    """Population stability index of two samples, and whether it is strong.

    The index is `sum((p - q) * log(p / q))` over the bins' shares of rows, p of the training rows and q of the others
    (N. Siddiqi, Credit Risk Scorecards, 2006). Half a row is added to every bin, so that empty bins leave it finite.
    Between samples of the same population it is distributed as `(1/n + 1/m) * chi2(bins - 1)` (B. Yurdakul, Statistical
    Properties of Population Stability Index, 2018): an index that one in a thousand of them exceeds is not strong.

    Args:
        train: Bin `(n_train,)` of each training row.
        other: Bin `(n_other,)` of each other row.
    """
    n_bins = int(max(train.max(), other.max())) + 1
    counts = np.stack([np.bincount(train, minlength=n_bins), np.bincount(other, minlength=n_bins)])
    counts = counts[:, counts.any(axis=0)]
    shares = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
    index = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    degrees = max(1, counts.shape[1] - 1)  # one bin cannot differ
    by_chance = (1 / len(train) + 1 / len(other)) * chdtri(degrees, CHANCE)
    return index, index > max(STRONG, float(by_chance))
