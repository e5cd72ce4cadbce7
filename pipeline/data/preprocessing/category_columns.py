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

ONE_HOT_AT_MOST = 20  # categories that category_encoding=auto encodes as one-hot; columns with more are embedded


@dataclass(frozen=True)
class Vocabulary:
    """The categories of a column, texts or numbers, in ascending order; any other value is number `len(self)`."""

    values: tuple[str, ...] | tuple[float, ...]
    has_others: bool  # whether training rows have rare categories; a gap is a category of its own

    def __len__(self) -> int:
        return len(self.values)

    @property
    def size(self) -> int:
        """Number of categories."""
        return len(self.values)

    def index(self, ops: Ops, x: Any) -> Any:
        """Position, int64; -1 for other values."""
        if isinstance(self.values[0], str):
            return ops.index_of_text(x, self.values)
        return ops.index_of_number(x, np.array(self.values, np.float64))


@dataclass(frozen=True)
class Vocabularies:
    """The vocabularies of columns side by side, all of texts or all of numbers."""

    each: tuple[Vocabulary, ...]

    @property
    def has_others(self) -> bool:
        """Whether training rows have other values; the same for all columns."""
        return self.each[0].has_others

    @property
    def size(self) -> np.ndarray:
        """Number of categories of each column, `(n_columns,)`."""
        return np.array([vocabulary.size for vocabulary in self.each])

    def index(self, ops: Ops, x: Any) -> Any:
        """Position in each column's vocabulary, `(n_rows, n_columns)` int64; -1 for other values."""
        values: Any = [vocabulary.values for vocabulary in self.each]
        if isinstance(values[0][0], str):
            return ops.index_of_text_columns(x, values)
        return ops.index_of_number_columns(x, [np.array(own, np.float64) for own in values])


@dataclass(frozen=True)
class _Category:
    """What all category columns have in common."""

    @property
    def quantities(self) -> tuple[int, ...]:
        """Empty: positions among categories are not quantities."""
        return ()


@dataclass(frozen=True)
class OneHot(_Category):
    """One input for each category, and one for rare categories if training rows have any; an unknown one is all 0."""

    column: str
    vocabulary: Vocabulary

    @property
    def names(self) -> tuple[str, ...]:
        """Column and category of each input."""
        others = (f"{self.column}=other",) if self.vocabulary.has_others else ()
        return tuple(f"{self.column}={value}" for value in self.vocabulary.values) + others

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Inputs of each row, `(n_rows, n)`."""
        return [ops.one_hot(self.place(ops, x), len(self.names))]

    def place(self, ops: Ops, x: Any) -> Any:
        """The position of the 1, int64; -1 if there is none."""
        index = self.vocabulary.index(ops, x)
        return ops.where(index < 0, self.vocabulary.size, index) if self.vocabulary.has_others else index


@dataclass(frozen=True)
class Hashed(_Category):
    """One input for each bucket; categories that share a bucket look the same (Weinberger et al. 2009)."""

    column: str
    n_buckets: int

    @property
    def names(self) -> tuple[str, ...]:
        """Column and bucket of each input."""
        return tuple(f"{self.column}#{bucket}" for bucket in range(self.n_buckets))

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Inputs of each row, `(n_rows, n_buckets)`."""
        return [ops.one_hot(self.place(ops, x), self.n_buckets)]

    def place(self, ops: Ops, x: Any) -> Any:
        """The position of the 1, int64."""
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
        """The column's name."""
        return (self.column,)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """One number for each row."""
        index = self.vocabulary.index(ops, x)
        return [ops.where(index < 0, 0.0, (ops.number(index) - self.mean) / self.deviation)]


@dataclass(frozen=True)
class Embedded(_Category):
    """The category's number, which the network's embedding looks up; rare and unknown categories share the last."""

    column: str
    vocabulary: Vocabulary

    @property
    def names(self) -> tuple[str, ...]:
        """The column's name."""
        return (self.column,)

    @property
    def n_categories(self) -> int:
        """Number of categories, with one for rare and unknown categories."""
        return len(self.vocabulary) + 1

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """One whole number for each row."""
        index = self.vocabulary.index(ops, x)
        return [ops.number(ops.where(index < 0, self.vocabulary.size, index))]


def encoding_of(column: str, values: RawColumn, config: Data) -> str:
    """How a column is encoded; a constant one becomes a number whose weight is never trained.

    Args:
        column: Its name.
        values: Its training rows, raw.
        config: The data section.
    """
    if is_constant(values):
        return "ordinal"
    encoding = config.category_encoding.of(column)
    if encoding == "auto":
        n_categories = values.counts().astype(bool).sum() if isinstance(values, TextArray) else len(np.unique(values))
        return "one_hot" if n_categories <= ONE_HOT_AT_MOST else "embedding"
    if encoding == "hash" and column not in config.category_encoding.by_column and not isinstance(values, TextArray):
        return "one_hot"  # a hash that is set for all columns applies to those that hold text
    return encoding


def fit_category(column: str, values: RawColumn, encoding: str, config: Data) -> OneHot | Hashed | Ordinal | Embedded:
    """Learns the categories of the training rows.

    Args:
        column: The column's name.
        values: Its training rows, raw.
        encoding: `one_hot`, `hash`, `ordinal` or `embedding`.
        config: The data section.

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
        known = index[index >= 0] if (index >= 0).any() else np.zeros(1)  # the column has gaps only
        return Ordinal(column, vocabulary, float(known.mean()), float(known.std()) or 1.0)
    return OneHot(column, vocabulary)


def vocabulary_of(column: str, found: np.ndarray, counts: np.ndarray, most: int) -> Vocabulary:
    """The most frequent categories; of equally frequent ones, the first by alphabet. A gap in text is a category.

    Args:
        column: Its name, for the log.
        found: The categories, `(n,)`.
        counts: Training rows of each category.
        most: Number of categories to keep.
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
    """The categories, and the number of rows of each."""
    if isinstance(values, TextArray):
        counts = values.counts()
        return values.levels[counts > 0], counts[counts > 0]
    return np.unique(values[~np.isnan(values)], return_counts=True)
