"""Columns of categories, as one-hot, hashed, ordinal or embedded numbers."""

from __future__ import annotations

import heapq
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.config.rules import Data
from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.reading.raw_columns import RawColumn, TextArray, is_constant
from pipeline.errors import DataError

log = logging.getLogger(__name__)

ONE_HOT_AT_MOST = 20  # categories that category_encoding=auto makes one-hot; more are embedded


@dataclass(frozen=True)
class Vocabulary:
    """The categories of a column, texts or numbers, in ascending order; whatever else comes is `len(self)`."""

    values: tuple[str, ...] | tuple[float, ...]
    has_others: bool  # in training rows: gaps are a category of their own, rare ones are others

    def __len__(self) -> int:
        return len(self.values)

    @property
    def size(self) -> int:
        """How many categories there are."""
        return len(self.values)

    def index(self, ops: Ops, x: Any) -> Any:
        """Position, int64; -1 for what is not among them."""
        if isinstance(self.values[0], str):
            return ops.index_of_text(x, self.values)
        return ops.index_of_number(x, np.array(self.values, np.float64))


@dataclass(frozen=True)
class Vocabularies:
    """The categories of columns side by side, all of them texts or all of them numbers."""

    each: tuple[Vocabulary, ...]

    @property
    def has_others(self) -> bool:
        """What holds for all of them."""
        return self.each[0].has_others

    @property
    def size(self) -> np.ndarray:
        """How many categories each column has, `(n_columns,)`."""
        return np.array([vocabulary.size for vocabulary in self.each])

    def index(self, ops: Ops, x: Any) -> Any:
        """Position in the column's own, `(n_rows, n_columns)` int64; -1 for what is not there."""
        values: Any = [vocabulary.values for vocabulary in self.each]
        if isinstance(values[0][0], str):
            return ops.index_of_text_columns(x, values)
        return ops.index_of_number_columns(x, [np.array(own, np.float64) for own in values])


@dataclass(frozen=True)
class _Category:
    """What all columns of categories have in common."""

    @property
    def quantities(self) -> tuple[int, ...]:
        """None: places among categories are no quantities."""
        return ()


@dataclass(frozen=True)
class OneHot(_Category):
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
        return ops.where(index < 0, self.vocabulary.size, index) if self.vocabulary.has_others else index


@dataclass(frozen=True)
class Hashed(_Category):
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
class Ordinal(_Category):
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
class Embedded(_Category):
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
        return [ops.number(ops.where(index < 0, self.vocabulary.size, index))]


def encoding_of(column: str, values: RawColumn, config: Data) -> str:
    """How the column is to be encoded; a constant one is one number, whose weight is never trained."""
    if is_constant(values):
        return "ordinal"
    encoding = config.category_encoding.of(column)
    if encoding == "auto":
        n_categories = values.counts().astype(bool).sum() if isinstance(values, TextArray) else len(np.unique(values))
        return "one_hot" if n_categories <= ONE_HOT_AT_MOST else "embedding"
    if encoding == "hash" and column not in config.category_encoding.by_column and not isinstance(values, TextArray):
        return "one_hot"  # a hash of all columns is one of those that hold text
    return encoding


def fit_category(column: str, values: RawColumn, encoding: str, config: Data) -> OneHot | Hashed | Ordinal | Embedded:
    """Learns the training rows' categories.

    Raises:
        DataError: Numbers are to be hashed.
    """
    if encoding == "hash":
        if not isinstance(values, TextArray):
            raise DataError(
                f"data.category_encoding.by_column: column {column!r} holds numbers; hash is for text, use one_hot"
            )
        return Hashed(column, config.hash_buckets)
    vocabulary = vocabulary_of(column, *_counted(values), config.max_categories)
    if encoding == "embedding":
        return Embedded(column, vocabulary)
    if encoding == "ordinal":
        if isinstance(values, TextArray):
            index = vocabulary.index(NumpyOps(), values.levels)[values.codes]
        else:
            index = vocabulary.index(NumpyOps(), values)
        known = index[index >= 0] if (index >= 0).any() else np.zeros(1)  # gaps only
        return Ordinal(column, vocabulary, float(known.mean()), float(known.std()) or 1.0)
    return OneHot(column, vocabulary)


def vocabulary_of(column: str, found: np.ndarray, counts: np.ndarray, most: int) -> Vocabulary:
    """The most frequent categories, the first of equals in alphabetical order. A gap of text is one of them.

    Args:
        column: Its name, for the log.
        found: The categories, `(n,)`.
        counts: Training rows of each.
        most: Categories to keep.
    """
    if len(found) > most:
        least = np.partition(counts, -most)[-most]
        often, equals = found[counts > least], found[counts == least]
        kept = [*often.tolist(), *heapq.nsmallest(most - len(often), equals.tolist())]
        share = 1 - np.sort(counts)[-most:].sum() / counts.sum()
        text = "column %r: %d of %d categories kept; the others are %.0f %% of training rows"
        log.info(text, column, most, len(found), share * 100)
    else:
        kept = found.tolist()
    return Vocabulary(tuple(sorted(kept)) or (0.0,), len(found) > most)


def _counted(values: RawColumn) -> tuple[np.ndarray, np.ndarray]:
    """The categories and how many rows have each."""
    if isinstance(values, TextArray):
        counts = values.counts()
        return values.levels[counts > 0], counts[counts > 0]
    return np.unique(values[~np.isnan(values)], return_counts=True)
