"""What becomes of each raw column: the numbers that the network sees, fitted on training rows.

Every feature is written against `Ops`, so that the training arrays and the exported model come from one definition.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, FixedScaling, Kind, NamedScaling
from pipeline.data.dates import FORMATS, DateFormat, circle, format_of, weekday
from pipeline.data.kinds import is_text
from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.scaling import Chain, fit_scaling
from pipeline.errors import DataError

log = logging.getLogger(__name__)


class Feature(Protocol):
    """A raw column's place in what the network sees."""

    column: str

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
            return ops.index_of_text(x, self.values)  # type: ignore[arg-type]
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
        index = self.vocabulary.index(ops, x)
        n = len(self.vocabulary)
        if self.vocabulary.has_others:
            return [ops.one_hot(ops.where(index < 0, n, index), n + 1)]
        return [ops.one_hot(index, n)]


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
        return [ops.one_hot(ops.hash_of_text(x, self.n_buckets), self.n_buckets)]


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
        days = self.written.days(ops, x)
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


def fit_feature(column: str, values: np.ndarray, kind: Kind, config: Data, scaling: NamedScaling | FixedScaling) -> Feature:
    """Learns from a column's training rows what its feature must know; `scaling` is that of a number."""
    if kind == "date":
        return _date(column, values)
    if kind == "category":
        return _category(column, values, config.category_encodings.get(column, config.category_encoding), config)
    return _number(column, values, kind, config, scaling)


def _number(column: str, values: np.ndarray, kind: Kind, config: Data, scaling: NamedScaling | FixedScaling) -> Number:
    gaps = np.isnan(values)
    there = values[~gaps]
    if not len(there):
        there = np.zeros(1)
    way = config.imputes.get(column, "most_frequent" if kind == "boolean" else config.impute)
    filled = {
        "median": lambda: float(np.median(there)),
        "mean": lambda: float(there.mean()),
        "most_frequent": lambda: float(pd.Series(there).mode().iloc[0]),
        "constant": lambda: config.impute_constant,
    }[way]()
    chain = fit_scaling(np.where(gaps, filled, values), scaling, "data.input_scaling", config.clip)
    return Number(column, filled, bool(config.missing_indicator and gaps.any()), chain)


def _category(column: str, values: np.ndarray, encoding: str, config: Data) -> Feature:
    if encoding == "hash":
        if not is_text(values):
            raise DataError(f"data.category_encodings: column {column!r} holds numbers; hash is for text, use one_hot")
        return Hashed(column, config.hash_buckets)
    vocabulary = _vocabulary(column, values, config.max_categories)
    if encoding == "embedding":
        return Embedded(column, vocabulary)
    if encoding == "ordinal":
        index = vocabulary.index(NumpyOps(), values)
        known = index[index >= 0]
        return Ordinal(column, vocabulary, float(known.mean()), float(known.std()) or 1.0)
    return OneHot(column, vocabulary)


def _vocabulary(column: str, values: np.ndarray, most: int) -> Vocabulary:
    """The most frequent categories, the first of equals in alphabetical order. A gap of text is one of them."""
    there = values if is_text(values) else values[~np.isnan(values)]
    counts = pd.Series(there).value_counts()
    ordered = sorted(counts.index, key=lambda value: (-counts[value], value))
    kept = tuple(sorted(ordered[:most])) or (("",) if is_text(values) else (0.0,))
    if len(ordered) > most:
        share = counts[ordered[most:]].sum() / len(values)
        log.info("column %r: %d categories, %d kept; the others are %.0f %% of rows", column, len(ordered), most, share * 100)
    return Vocabulary(kept, len(ordered) > most)


def _date(column: str, values: np.ndarray) -> Date:
    ops = NumpyOps()
    written = format_of(values)
    assert written is not None  # kinds.py has seen that it is a date
    fields, days = written.parse(ops, values), written.days(ops, values)
    there = ~np.isnan(days)
    if written.name == "month/day/year" and not np.isnan(_other_way(values)).any():
        log.warning("column %r: %s is taken as month/day/year, though it could be day/month/year", column, values[there][0])
    elapsed = fit_scaling(days[there], "standard", column)
    year = fit_scaling(fields["year"][there], "standard", column)
    return Date(column, written, bool((days[there] % 1 != 0).any()), elapsed, year)


def _other_way(values: np.ndarray) -> np.ndarray:
    return FORMATS[-1].days(NumpyOps(), values[values != ""])
