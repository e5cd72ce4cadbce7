"""Statistics of whole columns, gathered block by block: what the sample of a streamed table cannot tell exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pipeline.data.reading.raw import Text

MOST_NUMBERS = 1000  # distinct numbers of a column that are counted; with more it is no category
MOST_TEXTS = 200_000  # distinct texts; with more, those that were rarest so far are forgotten


@dataclass
class Numbers:
    """Of a column of numbers: moments by the pairwise formulas of Chan, Golub and LeVeque (1979), ends and values."""

    n: int = 0
    n_gaps: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared differences from the mean
    low: float = np.inf
    high: float = -np.inf
    counts: Counter[float] | None = field(default_factory=Counter)  # None: too many

    def add(self, values: np.ndarray) -> None:
        """Takes a block `(n_rows,)` in, NaN for gaps."""
        there = values[~np.isnan(values)]
        self.n_gaps += len(values) - len(there)
        if not len(there):
            return
        self._count(there)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(there.mean())
            self._merge(len(there), mean, float(np.square(there - mean).sum()))
        self.low, self.high = min(self.low, float(there.min())), max(self.high, float(there.max()))

    def with_gaps_as(self, fill: float) -> Numbers:
        """The statistics of the column with its gaps filled."""
        filled = Numbers(self.n, 0, self.mean, self.squares, self.low, self.high, None)
        if self.n_gaps:
            filled._merge(self.n_gaps, fill, 0.0)
            filled.low, filled.high = min(self.low, fill), max(self.high, fill)
        return filled

    @property
    def deviation(self) -> float:
        """Standard deviation, not finite where numbers are too large for squares."""
        return float(np.sqrt(self.squares / self.n)) if self.n else 0.0

    def _merge(self, n: int, mean: float, squares: float) -> None:
        total = self.n + n
        apart = mean - self.mean
        self.squares += squares + apart * apart * self.n * n / total
        self.mean += apart * n / total
        self.n = total

    def _count(self, there: np.ndarray) -> None:
        if self.counts is None:
            return
        if len(self.counts) == 0 and len(np.unique(there[: 2 * MOST_NUMBERS])) > MOST_NUMBERS:
            self.counts = None
            return
        values, counts = np.unique(there, return_counts=True)
        self.counts.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        if len(self.counts) > MOST_NUMBERS:
            self.counts = None


@dataclass
class Texts:
    """Of a column of text: how often each occurs. Forgetting is that of lossy counting (Manku and Motwani 2002)."""

    counts: Counter[str] = field(default_factory=Counter)
    n: int = 0
    forgotten: bool = False

    def add(self, values: Text) -> None:
        """Takes a block `(n_rows,)` in."""
        counts = values.counts()
        there = np.flatnonzero(counts)
        self.counts.update(dict(zip(values.levels[there].tolist(), counts[there].tolist(), strict=True)))
        self.n += len(values)
        if len(self.counts) > MOST_TEXTS:
            self.forgotten = True
            self.counts = Counter(dict(self.counts.most_common(MOST_TEXTS // 2)))
