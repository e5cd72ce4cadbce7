"""What becomes of each raw column: the numbers that the network sees.

Every feature is written against `Ops`, so that the training arrays and the exported model come from one definition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.data.ops import Ops
from pipeline.data.preprocessing.scaling import Chain
from pipeline.data.reading.dates import DateFormat, circle, days_of, weekday


class Feature(Protocol):
    """A raw column's place in what the network sees."""

    @property
    def column(self) -> str:
        """The raw column."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers it gives per row."""

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """From the raw column `(n_rows,)` to float64 parts, `(n_rows,)` or `(n_rows, n)` each."""


@dataclass(frozen=True)
class Number:
    """A quantity: gaps filled, then scaled; if asked for, a further input that says where the gaps were."""

    column: str
    fill: float
    indicator: bool
    scaling: Chain

    @property
    def names(self) -> tuple[str, ...]:
        """Its own, and that of the indicator."""
        return (self.column, f"{self.column} is missing") if self.indicator else (self.column,)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Scaled values, and 1 for gaps."""
        gap = ops.isnan(x)
        scaled = self.scaling.apply(ops, ops.where(gap, self.fill, x))
        return [scaled, ops.number(gap)] if self.indicator else [scaled]


@dataclass(frozen=True)
class Vocabulary:
    """The categories of a column, texts or numbers, in ascending order; whatever else comes is `len(self)`."""

    values: tuple[str, ...] | tuple[float, ...]
    has_others: bool  # in training rows: gaps are a category of their own, rare ones are others

    def __len__(self) -> int:
        return len(self.values)

    def index(self, ops: Ops, x: Any) -> Any:
        """Position, int64; -1 for what is not among them."""
        if isinstance(self.values[0], str):
            return ops.index_of_text(x, self.values)
        return ops.index_of_number(x, np.array(self.values, np.float64))


@dataclass(frozen=True)
class OneHot:
    """An input per category, and one for rare categories where training rows have any; an unknown one is all 0."""

    column: str
    vocabulary: Vocabulary

    @property
    def names(self) -> tuple[str, ...]:
        """Column and category."""
        others = (f"{self.column}=other",) if self.vocabulary.has_others else ()
        return tuple(f"{self.column}={value}" for value in self.vocabulary.values) + others

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """`(n_rows, n)`."""
        return [ops.one_hot(self.place(ops, x), len(self.names))]

    def place(self, ops: Ops, x: Any) -> Any:
        """Which input is 1, int64; -1 for none."""
        index = self.vocabulary.index(ops, x)
        return ops.where(index < 0, len(self.vocabulary), index) if self.vocabulary.has_others else index


@dataclass(frozen=True)
class Hashed:
    """An input per bucket; categories that share a bucket cannot be told apart (Weinberger et al. 2009)."""

    column: str
    n_buckets: int

    @property
    def names(self) -> tuple[str, ...]:
        """Column and bucket."""
        return tuple(f"{self.column}#{bucket}" for bucket in range(self.n_buckets))

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """`(n_rows, n_buckets)`."""
        return [ops.one_hot(self.place(ops, x), self.n_buckets)]

    def place(self, ops: Ops, x: Any) -> Any:
        """Which input is 1, int64."""
        return ops.hash_of_text(x, self.n_buckets)


@dataclass(frozen=True)
class Ordinal:
    """The position among the categories, standardized; rare and unknown ones are in the middle."""

    column: str
    vocabulary: Vocabulary
    mean: float
    deviation: float

    @property
    def names(self) -> tuple[str, ...]:
        """The column's."""
        return (self.column,)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """One number per row."""
        index = self.vocabulary.index(ops, x)
        return [ops.where(index < 0, 0.0, (ops.number(index) - self.mean) / self.deviation)]


@dataclass(frozen=True)
class Embedded:
    """The category's number, that the network's embedding looks up; rare and unknown ones share the last."""

    column: str
    vocabulary: Vocabulary

    @property
    def names(self) -> tuple[str, ...]:
        """The column's."""
        return (self.column,)

    @property
    def n_categories(self) -> int:
        """With the place of rare and unknown ones."""
        return len(self.vocabulary) + 1

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """A whole number per row."""
        index = self.vocabulary.index(ops, x)
        return [ops.number(ops.where(index < 0, len(self.vocabulary), index))]


@dataclass(frozen=True)
class Date:
    """Calendar features: elapsed time and year, standardized; month, day of week and, if told, hour as circles."""

    column: str
    written: DateFormat
    has_time: bool
    elapsed: Chain
    year: Chain

    @property
    def names(self) -> tuple[str, ...]:
        """Column and feature; none of them differs in a gap, where all are 0."""
        circles = ["month", "day of week", *(["hour"] if self.has_time else [])]
        rounds = [f"{self.column} {name} {part}" for name in circles for part in ("sine", "cosine")]
        return (f"{self.column} elapsed", f"{self.column} year", *rounds)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """As many numbers as names."""
        fields = self.written.parse(ops, x)
        days = days_of(ops, fields)
        gap = ops.isnan(days)
        parts = [
            self.elapsed.apply(ops, ops.where(gap, 0.0, days)),
            self.year.apply(ops, ops.where(gap, 0.0, fields["year"])),
            *circle(ops, fields["month"] - 1, 12),
            *circle(ops, weekday(ops, days), 7),
        ]
        if self.has_time:
            parts += circle(ops, fields["hour"] + fields["minute"] / 60, 24)
        return [ops.where(gap, 0.0, part) for part in parts]
