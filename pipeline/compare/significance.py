"""Whether a configuration beats another beyond the noise of seeds and folds, and how many of them would settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.compare.candidates import Candidate, on_same_rows

LEVEL = 0.05  # of error that counts as settled
POWER = 0.8  # chance of finding a difference that is there, of the number of seeds that is named
FEWEST = 3  # pairs, below which nothing is said to be settled
MAX_SEEDS = 10_000
MAX_EFFECT = 10.0  # three pairs find it, and far beyond it the distribution is not computed rightly


@dataclass(frozen=True)
class PairedTest:
    """The better-ranked of two configurations against the other, over the seeds and folds that both have."""

    n: int  # pairs
    difference: float  # mean by which the better-ranked is better, in the objective's unit
    low: float | None  # 95 % interval of the difference
    high: float | None
    p_t: float | None  # paired t test, two-sided; None where no noise was seen or no pairs
    p_wilcoxon: float | None  # signed ranks; None below six pairs, which cannot get below 5 %
    effect: float | None  # difference / deviation of the differences (Cohen's d of pairs)
    splits_vary: bool  # then the training sets overlap, and p_t is corrected for it
    seeds_needed: int | None  # to settle a difference of this size; None: no number would, or it is not known

    @property
    def is_settled(self) -> bool:
        """Whether the difference is beyond the noise."""
        return self.n >= FEWEST and self.p_t is not None and self.p_t < LEVEL and self.difference > 0

    @property
    def too_few(self) -> bool:
        """Whether there are too few pairs to say anything."""
        return self.n < FEWEST


def paired_test(best: Candidate, other: Candidate, sign: int) -> PairedTest:
    """Compares two configurations pair by pair.

    Where replicas differ in their split (folds, or seeds that draw it anew) their training sets overlap, so that the
    plain t test finds too much; its variance is then corrected by n_val / n_train (Nadeau and Bengio 2003).

    Args:
        best: The better-ranked.
        other: The other.
        sign: 1 where lower is better, else -1.
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
    """The fewest pairs with which the t test finds an effect of this size four times in five.

    Args:
        effect: Difference in standard deviations of the differences.
        overlap: n_val / n_train where splits vary, else 0.

    Returns:
        At least 3; None if not even ten thousand are enough.
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
    """Chance that a t test of n pairs finds the effect, on its own side (Cohen 1988)."""
    shift = effect / math.sqrt(1 / n + overlap)
    threshold = float(stats.t.ppf(1 - LEVEL / 2, n - 1))
    return float(stats.nct(n - 1, shift).sf(threshold))


def _p(t: float, n: int) -> float:
    return float(2 * stats.t.sf(abs(t), n - 1))


def _overlap(candidate: Candidate) -> float:
    """Validation rows per training row; 0 where the run does not say."""
    tags = candidate.run.tags
    try:
        return float(tags["n_rows_val"]) / float(tags["n_rows_train"])
    except (KeyError, ValueError, ZeroDivisionError):
        return 0.0
