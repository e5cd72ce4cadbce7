"""Tests whether a configuration beats another beyond the noise of seeds and folds, and how many seeds would tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.compare.candidates import Candidate, on_same_rows

LEVEL = 0.05  # significance level
POWER = 0.8  # power of the test with the suggested number of seeds
FEWEST = 3  # pairs that a test needs
MAX_SEEDS = 10_000
MAX_EFFECT = 10.0  # three pairs detect it, and SciPy's distribution is inaccurate far beyond it


@dataclass(frozen=True)
class PairedTest:
    """A test of the better-ranked of two configurations against the other, over their common seeds and folds."""

    n: int  # pairs
    difference: float  # mean lead of the better-ranked, in the objective's unit
    low: float | None  # 95 % interval of the difference
    high: float | None
    p_t: float | None  # paired t test, two-sided; None without noise or pairs
    p_wilcoxon: float | None  # signed ranks; None below six pairs, which cannot reach 5 %
    effect: float | None  # difference / deviation of the differences (Cohen's d of pairs)
    splits_vary: bool  # training sets overlap, and p_t is corrected for it
    seeds_needed: int | None  # to detect a difference of this size; None if impossible or unknown

    @property
    def is_settled(self) -> bool:
        """Whether the difference is significant."""
        return self.n >= FEWEST and self.p_t is not None and self.p_t < LEVEL and self.difference > 0

    @property
    def too_few(self) -> bool:
        """Whether there are too few pairs for a test."""
        return self.n < FEWEST


def paired_test(best: Candidate, other: Candidate, sign: int) -> PairedTest:
    """Compares two configurations by a paired test.

    If replicas differ in their split (folds, or seeds that draw it), their training sets overlap, which makes the plain
    t test too optimistic. Its variance is then corrected by n_val / n_train (Nadeau and Bengio 2003).

    Args:
        best: The better-ranked configuration.
        other: The other configuration.
        sign: 1 if lower is better, else -1.
    """
    common = [key for key in best.scores if key in other.scores]
    mine, theirs = (np.array([found.scores[key] for key in common]) for found in (best, other))
    gains = sign * (theirs - mine)
    splits_vary = not on_same_rows({key: best.runs[key] for key in common})
    if len(gains) < 2:
        difference = float(gains.mean()) if len(gains) else sign * (other.mean - best.mean)
        return PairedTest(len(gains), difference, None, None, None, None, None, splits_vary, None)
    n, mean, deviation = len(gains), float(gains.mean()), float(gains.std(ddof=1))
    if deviation <= 1e-12 * max(1.0, float(np.abs(mine).max())):
        return PairedTest(n, mean, mean, mean, None, None, None, splits_vary, None)
    overlap = _overlap(best) if splits_vary else 0.0
    error = deviation * math.sqrt(1 / n + overlap)
    reach = float(stats.t.ppf(1 - LEVEL / 2, n - 1)) * error
    effect = mean / deviation
    return PairedTest(
        n=n,
        difference=mean,
        low=mean - reach,
        high=mean + reach,
        p_t=float(stats.ttest_rel(theirs, mine).pvalue) if not overlap else _p(mean / error, n),
        p_wilcoxon=float(stats.wilcoxon(gains).pvalue) if n >= 6 else None,
        effect=effect,
        splits_vary=splits_vary,
        seeds_needed=seeds_needed(abs(effect), overlap),
    )


def seeds_needed(effect: float, overlap: float = 0.0) -> int | None:
    """Returns the fewest pairs with which the t test detects an effect of this size with 80 % power.

    Args:
        effect: Difference in standard deviations of the differences.
        overlap: n_val / n_train if splits vary, else 0.

    Returns:
        At least 3; None if 10 000 are not enough.
    """
    effect = min(effect, MAX_EFFECT)
    if _power(MAX_SEEDS, effect, overlap) < POWER:
        return None
    low, high = FEWEST, MAX_SEEDS
    while low < high:
        middle = (low + high) // 2
        if _power(middle, effect, overlap) >= POWER:
            high = middle
        else:
            low = middle + 1
    return low


def _power(n: int, effect: float, overlap: float) -> float:
    """Returns the power of a t test of n pairs for the effect, in its direction (Cohen 1988)."""
    shift = effect / math.sqrt(1 / n + overlap)
    threshold = float(stats.t.ppf(1 - LEVEL / 2, n - 1))
    return float(stats.nct(n - 1, shift).sf(threshold))


def _p(t: float, n: int) -> float:
    return float(2 * stats.t.sf(abs(t), n - 1))


def _overlap(candidate: Candidate) -> float:
    """Returns validation rows per training row; 0 if the run did not log them."""
    tags = candidate.run.tags
    try:
        return float(tags["n_rows_val"]) / float(tags["n_rows_train"])
    except (KeyError, ValueError, ZeroDivisionError):
        return 0.0
