"""How much the distribution of a column differs between the training rows and the others."""

import numpy as np
from scipy.special import chdtri

from pipeline.data.checks.levels import Levels

N_BINS = 10  # besides that of the gaps and, of categories, those of all other values
STRONG = 0.25  # above this, credit scoring no longer takes two samples for the same population
CHANCE = 0.001  # of samples from the same population: so rarely is one called strong


def number_bins(numbers: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Bins of numbers by tenths of the training rows, or by value where there are few; the first is that of gaps.

    Args:
        numbers: `(n_rows,)` float64 with NaN for gaps.
        ordered: Those of the training rows, sorted and without gaps.
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
    """The distinct values of sorted numbers, or None where there are more than N_BINS."""
    values: list[float] = []
    position = 0
    while position < len(ordered):
        if len(values) == N_BINS:
            return None
        values.append(ordered[position])
        position = int(np.searchsorted(ordered, ordered[position], side="right"))
    return np.array(values)


def level_bins(found: Levels, frequent: np.ndarray, counts: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Bins of levels: gaps, one for each of the codes `frequent`, all others, and what no other training row has.

    A training row counts to the last where its value is in no other one, as a row of the other parts does where its
    value is in none: so often chance shows a value for the first time (Good 1953), and names or ids are no drift.

    Args:
        found: The column.
        frequent: Codes of training's most frequent levels.
        counts: `(n_levels,)` of training rows.
        training: Row numbers.
    """
    bins = np.full(len(found.values) + 1, len(frequent[:N_BINS]) + 1)
    bins[frequent[:N_BINS]] = np.arange(1, len(frequent[:N_BINS]) + 1)
    bins[-1] = 0  # what the code -1 finds
    of_rows, others = bins[found.codes], np.append(counts, 1)[found.codes]
    others[training] -= found.codes[training] >= 0
    of_rows[others == 0] = len(frequent[:N_BINS]) + 2
    return of_rows


def unseen_share(codes: np.ndarray, counts: np.ndarray) -> float:
    """The share of rows, given by their codes `(n_rows,)` and -1 for gaps, whose value no training row has."""
    there = codes[codes >= 0]
    return float((counts[there] == 0).sum() / max(1, len(codes)))


def stability(train: np.ndarray, other: np.ndarray) -> tuple[float, bool]:
    """Population stability index of two samples, and whether it is strong.

    The index is `sum((p - q) * log(p / q))` over the bins' shares of rows, p of the training rows and q of the others
    (N. Siddiqi, Credit Risk Scorecards, 2006). Half a row is added to every bin, so that empty ones leave it finite.
    In samples from the same population it is distributed as `(1/n + 1/m) * chi2(bins - 1)` (B. Yurdakul, Statistical
    Properties of Population Stability Index, 2018): what one in a thousand such samples reaches is not called strong.

    Args:
        train: Bin `(n_train,)` of each training row.
        other: Bin `(n_other,)` of each other row.
    """
    n_bins = int(max(train.max(), other.max())) + 1
    counts = np.stack([np.bincount(train, minlength=n_bins), np.bincount(other, minlength=n_bins)])
    counts = counts[:, counts.any(axis=0)]
    shares = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
    index = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    degrees = max(1, counts.shape[1] - 1)  # in one bin there is no difference to call strong
    by_chance = (1 / len(train) + 1 / len(other)) * chdtri(degrees, CHANCE)
    return index, index > max(STRONG, float(by_chance))
