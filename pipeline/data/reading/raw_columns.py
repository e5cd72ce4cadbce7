"""Raw columns: float64 with NaN for gaps, or text with `""` for them.

Large tables repeat texts. So text is stored as codes into its distinct texts, and each operation on text (stripping,
parsing, encoding) runs once for each distinct text and is then looked up row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class TextArray:
    """A column of text. numpy treats it as an array of objects: `np.asarray(text)` makes one of `str`."""

    codes: np.ndarray  # (n_rows,) int32 into `levels`
    levels: np.ndarray  # (n_levels,) str as objects, all different; some may occur in no row

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextArray:
        """The column of these texts."""
        return cls.from_levels(*pd.factorize(_objects(texts)))

    @classmethod
    def from_levels(cls, codes: np.ndarray, texts: Iterable[str]) -> TextArray:
        """The column of texts that are numbered already; equal texts become one level.

        Args:
            codes: `(n_rows,)` whole numbers; -1 for the last text, as pandas numbers gaps.
            texts: The text of each number.
        """
        levels = _objects(texts)
        codes = codes.astype(np.int32, copy=False)
        if len(codes) and int(codes.min()) < 0:
            codes = np.where(codes < 0, np.int32(len(levels) - 1), codes)
        merged, distinct = pd.factorize(levels)
        return cls(codes, levels) if len(distinct) == len(levels) else cls(merged.astype(np.int32)[codes], distinct)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the array that it stands for."""
        return np.dtype(object)

    @property
    def shape(self) -> tuple[int]:
        """The shape of the array that it stands for."""
        return (len(self.codes),)

    @property
    def ndim(self) -> int:
        """The number of dimensions of the array that it stands for."""
        return 1

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> TextArray:
        """The rows of a slice or of an array of row numbers."""
        codes = self.codes[rows]
        return TextArray(codes, self.levels) if len(self.levels) <= len(codes) else TextArray(codes, self.levels).used()

    def __iter__(self) -> Iterator[str]:
        return iter(np.asarray(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.levels[self.codes].astype(dtype or object, copy=False)

    def used(self) -> TextArray:
        """The same column without unused levels; levels in order of appearance."""
        codes, numbers = pd.factorize(self.codes)
        return TextArray(codes.astype(np.int32), self.levels[numbers])

    def counts(self) -> np.ndarray:
        """How many rows have each level, `(n_levels,)`."""
        return np.bincount(self.codes, minlength=len(self.levels))

    def gaps(self) -> np.ndarray:
        """Which rows have no text, `(n_rows,)`."""
        return np.asarray(self.levels == "", bool)[self.codes]

    def present(self) -> np.ndarray:
        """The levels that rows have."""
        there = np.zeros(len(self.levels), bool)
        there[self.codes] = True
        return self.levels[there]


RawColumn = np.ndarray | TextArray


def is_constant(column: RawColumn) -> bool:
    """Whether all rows have the same value or all are gaps; a mixture of both carries information."""
    if isinstance(column, TextArray):
        return bool((column.codes == column.codes[0]).all())
    missing = np.isnan(column)
    return bool(missing.all() or (column == column[0]).all())


def as_raw(column: RawColumn) -> RawColumn:
    """The column, encoded if it is an object array of text."""
    return TextArray.of(column) if isinstance(column, np.ndarray) and column.dtype == object else column


def _objects(texts: Iterable[str]) -> np.ndarray:
    given = texts if isinstance(texts, np.ndarray | list) else list(texts)
    array = np.empty(len(given), object)
    array[:] = given
    return array
