"""Statistics of whole columns, computed block by block: exact where a streamed table's sample is not."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.data.reading.raw_columns import TextArray

MAX_NUMBERS = 1000  # distinct numbers of a column that are counted; a column with more is not a category
MAX_TEXTS = 200_000  # distinct texts; beyond that, the rarest so far are forgotten


@dataclass
class Numbers:
    """A number column's statistics: moments by the pairwise formulas of Chan, Golub and LeVeque (1979), ends, values.

    Moments are computed from differences to one of the numbers, which keep digits that sums of numbers far from 0 would
    lose. Their unit is as large as the largest difference, so that no square overflows or vanishes.
    """

    n: int = 0
    n_gaps: int = 0
    low: float = np.inf
    high: float = -np.inf
    counts: Counter[float] | None = field(default_factory=Counter)  # None: too many values
    _origin: float = 0.0
    _unit: float = 0.0  # a power of two; 0 as long as all numbers equal the origin
    _mean: float = 0.0  # of the differences
    _squares: float = 0.0  # sum of squared differences from their mean

    def add(self, values: np.ndarray) -> None:
        """Adds a block `(n_rows,)`, NaN for gaps."""
        there = values[~np.isnan(values)]
        self.n_gaps += len(values) - len(there)
        if not len(there):
            return
        self._count(there)
        low, high = float(there.min()), float(there.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        if not self.n:
            self._origin = low
        with np.errstate(over="ignore", invalid="ignore"):
            self._merge(there - self._origin)

    def with_gaps_as(self, fill: float) -> Numbers:
        """The statistics of the column with its gaps filled."""
        filled = replace(self, n_gaps=0, counts=None)
        if self.n_gaps:
            filled._merge(np.array([fill - self._origin]), self.n_gaps)
            filled.low, filled.high = min(self.low, fill), max(self.high, fill)
        return filled

    @property
    def mean(self) -> float:
        """Mean of the numbers."""
        return self._origin + self._unit * self._mean

    @property
    def deviation(self) -> float:
        """Standard deviation; not finite if the range is not."""
        return self._unit * math.sqrt(self._squares / self.n) if self.n else 0.0

    def _merge(self, apart: np.ndarray, times: int = 1) -> None:
        """Adds numbers by their differences from the origin, each `times` times."""
        self._widen(float(np.abs(apart).max()))
        apart, n = apart / (self._unit or 1.0), len(apart) * times
        total, mean = self.n + n, float(apart.mean())
        further = mean - self._mean
        self._squares += float(np.square(apart - mean).sum()) * times + further * further * self.n * n / total
        self._mean += further * n / total
        self.n = total

    def _widen(self, size: float) -> None:
        if size <= self._unit:
            return
        unit = math.ldexp(1.0, min(math.frexp(size)[1], 1023)) if math.isfinite(size) else size
        self._mean *= self._unit / unit
        self._squares *= (self._unit / unit) ** 2
        self._unit = unit

    def _count(self, there: np.ndarray) -> None:
        if self.counts is None:
            return
        if len(self.counts) == 0 and len(np.unique(there[: 2 * MAX_NUMBERS])) > MAX_NUMBERS:
            self.counts = None
            return
        values, counts = np.unique(there, return_counts=True)
        self.counts.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        if len(self.counts) > MAX_NUMBERS:
            self.counts = None


@dataclass
class Texts:
    """Counts of a column of text. Rare texts are forgotten as in lossy counting (Manku and Motwani 2002)."""

    counts: Counter[str] = field(default_factory=Counter)
    n: int = 0
    forgotten: bool = False

    def add(self, values: TextArray) -> None:
        """Adds a block `(n_rows,)`."""
        counts = values.counts()
        there = np.flatnonzero(counts)
        self.counts.update(dict(zip(values.levels[there].tolist(), counts[there].tolist(), strict=True)))
        self.n += len(values)
        if len(self.counts) > MAX_TEXTS:
            self.forgotten = True
            self.counts = Counter(dict(self.counts.most_common(MAX_TEXTS // 2)))
