"""The data stage's result: rows in three parts, with one interface for tables in memory and tables read in blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Protocol, Self

import numpy as np

from pipeline.config.rules import Data
from pipeline.data.fingerprint import fingerprint
from pipeline.data.preprocessing.preprocessing import Arrays, Preprocessing, fit_preprocessing
from pipeline.data.rows import Rows
from pipeline.data.splits import Splits
from pipeline.data.splits.folds import folds


class Dataset(Protocol):
    """Rows that train, validate and test. A part is called by its name: `train`, `val` or `test`."""

    @property
    def rows(self) -> Rows:
        """All rows in turn: train, val, test and rows in none of them; of a table read in blocks, a sample."""

    @property
    def splits(self) -> Splits:
        """Which of `rows` are in which part."""

    @property
    def n_rows(self) -> Mapping[str, int]:
        """Number of rows of each part, of the whole table even if `rows` is a sample."""

    @property
    def fingerprint(self) -> str:
        """Hash of all rows in the order of their files."""

    def __len__(self) -> int:
        """Number of all rows, with those in none of the parts."""

    def part(self, name: str) -> Rows:
        """The rows of a part that are in memory; they share the memory of `rows`."""

    @property
    def calibration(self) -> Rows:
        """Rows in memory that are in no part but kept for calibration; empty unless requested."""

    def fingerprint_of(self, part: str) -> str:
        """The fingerprint of a part."""

    def without(self, columns: Collection[str]) -> Self:
        """The same rows without some of their input columns."""

    def fit(self, config: Data) -> Preprocessing:
        """Fits preprocessing on all training rows.

        Raises:
            DataError: A key names a column that does not exist or does not go with it.
        """

    def arrays(self, preprocessing: Preprocessing) -> tuple[Arrays, Arrays]:
        """Training and validation rows as the network sees them; of a table read in blocks they lie on disk.

        Raises:
            DataError: A row on disk cannot be scaled, or the disk is full.
        """

    def scored(self) -> Iterator[tuple[str, Rows]]:
        """Raw rows to score a model on, with the name of their part: a whole part, or blocks of it."""

    def folds(self, n_folds: int, seed: int) -> list[np.ndarray]:
        """Divides the rows that train or validate into folds, each of which could be the validation rows.

        Args:
            n_folds: Number of folds, at least 2.
            seed: Seed of the draw.

        Returns:
            Row numbers, `(n,)` int64 each: training rows are counted first, then validation rows, which are the
            first fold. Empty if validation rows are given, are the latest or lie on disk, because other rows would
            not be like them; also empty if there are too few rows.
        """


@dataclass(frozen=True)
class InMemory:
    """All rows in the order of their parts, so that a part is a slice and not a copy."""

    rows: Rows
    n_rows: Mapping[str, int]  # by part
    hashes: Mapping[str, str]  # by column, in the order of the files
    n_calibration: int = 0  # rows behind the parts that are kept for calibration
    groups: np.ndarray | None = None  # see Splits

    @classmethod
    def divided(cls, rows: Rows, splits: Splits) -> InMemory:
        """Puts the rows in the order of their parts.

        Args:
            rows: All rows, as they were read.
            splits: Which rows are in which part.
        """
        parts = splits.parts()
        placed = [*parts.values(), splits.calibration]
        in_none = np.ones(len(rows), bool)
        for numbers in placed:
            in_none[numbers] = False
        order = np.concatenate([*placed, np.flatnonzero(in_none)])
        n_rows = {part: len(numbers) for part, numbers in parts.items()}
        ordered = replace(rows, split_column=None).take(order)
        groups = None if splits.groups is None else splits.groups[order]
        return cls(ordered, n_rows, rows.hashes, len(splits.calibration), groups)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def splits(self) -> Splits:
        """Which of the rows are in which part."""
        return Splits(**{part: np.arange(place.start, place.stop) for part, place in self._slices.items()})

    @property
    def fingerprint(self) -> str:
        """Hash of all rows in the order of their files."""
        return fingerprint(self.hashes)

    @property
    def _slices(self) -> dict[str, slice]:
        ends = accumulate(self.n_rows.values())
        return {part: slice(end - n, end) for (part, n), end in zip(self.n_rows.items(), ends, strict=True)}

    @cached_property
    def _parts(self) -> dict[str, Rows]:
        return {part: self.rows.take(place) for part, place in self._slices.items()}

    def part(self, name: str) -> Rows:
        """The rows of a part."""
        return self._parts[name]

    @property
    def calibration(self) -> Rows:
        """Rows that are kept for calibration."""
        first = sum(self.n_rows.values())
        return self.rows.take(slice(first, first + self.n_calibration))

    def fingerprint_of(self, part: str) -> str:
        """The fingerprint of a part."""
        return self.part(part).fingerprint

    def without(self, columns: Collection[str]) -> InMemory:
        """The same rows without some of their input columns."""
        hashes = {name: digest for name, digest in self.hashes.items() if name not in columns}
        return replace(self, rows=self.rows.without(columns), hashes=hashes)

    def fit(self, config: Data) -> Preprocessing:
        """Fits preprocessing on the training rows."""
        return fit_preprocessing(self.part("train"), config)

    def arrays(self, preprocessing: Preprocessing) -> tuple[Arrays, Arrays]:
        """Training and validation rows as the network sees them."""
        return preprocessing.apply(self.part("train")), preprocessing.apply(self.part("val"))

    def scored(self) -> Iterator[tuple[str, Rows]]:
        """Yields each part as a whole."""
        yield from self._parts.items()

    def folds(self, n_folds: int, seed: int) -> list[np.ndarray]:
        """The validation rows, then folds of the training rows; empty if validation rows were not drawn at random.

        Args:
            n_folds: Number of folds, including the validation rows.
            seed: Seed of the draw.
        """
        if self.groups is None:
            return []
        train, val = (self._slices[part] for part in ("train", "val"))
        n_groups, n_others = len(np.unique(self.groups[train])), n_folds - 1
        if n_groups < n_others:
            return []
        first = np.arange(val.start, val.stop)
        if n_others == 1:
            return [first, np.arange(train.stop)]
        groups = None if n_groups == train.stop else self.groups[train]
        return [first, *folds(self.rows.target.take(train), groups, n_others, seed)]
