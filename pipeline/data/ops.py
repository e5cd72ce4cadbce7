"""The few operations of preprocessing, so that one definition serves training and the exported model.

`NumpyOps` runs them on a table's rows; `pipeline/export` implements them in TensorFlow, inside the SavedModel. A test
checks that both give the same results.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

HASHED_BYTES = 64  # of a text's UTF-8; later bytes are ignored
FNV_OFFSET, FNV_PRIME = 2166136261, 16777619  # FNV-1a of 32 bits (Fowler, Noll and Vo)
FIELDS = ("year", "month", "day", "hour", "minute", "second")


class Ops(Protocol):
    """Operations on columns `(n_rows,)`: float64 numbers, or text.

    Operations without a `_columns` variant also take `(n_rows, n_columns)`, with vectors `(n_columns,)` in place of
    numbers.
    """

    def isnan(self, x: Any) -> Any: ...  # noqa: D102
    def where(self, condition: Any, x: Any, y: Any) -> Any: ...  # noqa: D102
    def abs(self, x: Any) -> Any: ...  # noqa: D102
    def sign(self, x: Any) -> Any: ...  # noqa: D102
    def floor(self, x: Any) -> Any: ...  # noqa: D102
    def expm1(self, x: Any) -> Any: ...  # noqa: D102
    def log1p(self, x: Any) -> Any: ...  # noqa: D102
    def sin(self, x: Any) -> Any: ...  # noqa: D102
    def cos(self, x: Any) -> Any: ...  # noqa: D102
    def minimum(self, x: Any, y: Any) -> Any: ...  # noqa: D102
    def maximum(self, x: Any, y: Any) -> Any: ...  # noqa: D102

    def number(self, x: Any) -> Any:
        """Booleans or whole numbers as float64."""

    def interpolate(self, x: Any, xs: np.ndarray, ys: np.ndarray) -> Any:
        """Piecewise linear through the points, `xs` strictly increasing; constant beyond the first and the last."""

    def interpolate_columns(self, x: Any, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> Any:
        """Like `interpolate`, for columns side by side `(n_rows, n_columns)` with points for each."""

    def index_of_number(self, x: Any, vocabulary: np.ndarray) -> Any:
        """Position in an ascending vocabulary, int64; -1 if absent."""

    def index_of_number_columns(self, x: Any, vocabularies: Sequence[np.ndarray]) -> Any:
        """Like `index_of_number`, for columns side by side `(n_rows, n_columns)` with a vocabulary for each."""

    def index_of_text(self, x: Any, vocabulary: Sequence[str]) -> Any:
        """Position in the vocabulary, int64; -1 if absent."""

    def index_of_text_columns(self, x: Any, vocabularies: Sequence[Sequence[str]]) -> Any:
        """Like `index_of_text`, for columns side by side `(n_rows, n_columns)` with a vocabulary for each."""

    def hash_of_text(self, x: Any, n_buckets: int) -> Any:
        """FNV-1a of the first HASHED_BYTES bytes of UTF-8, modulo `n_buckets`, int64."""

    def one_hot(self, index: Any, n: int) -> Any:
        """`(n_rows, n)` float64; all 0 where the index is -1."""

    def one_hot_columns(self, index: Any, widths: Sequence[int]) -> Any:
        """Like `one_hot`, for columns side by side `(n_rows, n_columns)`, one width each: `(n_rows, sum(widths))`."""

    def date_fields(self, x: Any, pattern: str, names: Sequence[str]) -> dict[str, Any]:
        """The numbers in the pattern's groups, by their names in FIELDS; all NaN if the text does not match.

        A group that matches nothing is NaN alone.
        """


class NumpyOps:
    """The operations on numpy arrays; text is an object array of `str`."""

    isnan, abs, sign, floor = np.isnan, np.abs, np.sign, np.floor
    expm1, log1p, sin, cos = np.expm1, np.log1p, np.sin, np.cos
    minimum, maximum = np.minimum, np.maximum

    def where(self, condition: np.ndarray, x: Any, y: Any) -> np.ndarray:  # noqa: D102
        return np.where(condition, x, y)

    def number(self, x: np.ndarray) -> np.ndarray:  # noqa: D102
        return np.asarray(x, np.float64)

    def interpolate(self, x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:  # noqa: D102
        return np.interp(x, xs, ys)

    def interpolate_columns(  # noqa: D102
        self, x: np.ndarray, xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]
    ) -> np.ndarray:
        return np.stack(list(map(self.interpolate, x.T, xs, ys)), axis=1)

    def index_of_number(self, x: np.ndarray, vocabulary: np.ndarray) -> np.ndarray:  # noqa: D102
        position = np.minimum(np.searchsorted(vocabulary, x), len(vocabulary) - 1)
        return np.where(vocabulary[position] == x, position, -1)

    def index_of_number_columns(self, x: np.ndarray, vocabularies: Sequence[np.ndarray]) -> np.ndarray:  # noqa: D102
        return np.stack(list(map(self.index_of_number, x.T, vocabularies)), axis=1)

    def index_of_text(self, x: np.ndarray, vocabulary: Sequence[str]) -> np.ndarray:  # noqa: D102
        known, given = (pd.Index(np.array(texts, dtype=object)) for texts in (vocabulary, x))
        return known.get_indexer(given).astype(np.int64)

    def index_of_text_columns(self, x: np.ndarray, vocabularies: Sequence[Sequence[str]]) -> np.ndarray:  # noqa: D102
        return np.stack(list(map(self.index_of_text, x.T, vocabularies)), axis=1)

    def hash_of_text(self, x: np.ndarray, n_buckets: int) -> np.ndarray:  # noqa: D102
        encoded = np.array([text.encode()[:HASHED_BYTES] for text in x], dtype=f"S{HASHED_BYTES}")
        letters = encoded.view(np.uint8).reshape(len(x), HASHED_BYTES).astype(np.uint32)
        hashed = np.full(len(x), FNV_OFFSET, np.uint32)
        for letter in letters.T:
            hashed = np.where(letter > 0, (hashed ^ letter) * np.uint32(FNV_PRIME), hashed)
        return (hashed % np.uint32(n_buckets)).astype(np.int64)

    def one_hot(self, index: np.ndarray, n: int) -> np.ndarray:  # noqa: D102
        return (index[:, None] == np.arange(n)).astype(np.float64)

    def one_hot_columns(self, index: np.ndarray, widths: Sequence[int]) -> np.ndarray:  # noqa: D102
        return np.concatenate(list(map(self.one_hot, index.T, widths)), axis=1)

    def date_fields(self, x: np.ndarray, pattern: str, names: Sequence[str]) -> dict[str, np.ndarray]:  # noqa: D102
        match = re.compile(rf"(?:{pattern})\Z").match
        nothing = (None,) * len(names)
        groups = [matched.groups() if (matched := match(text)) else nothing for text in x]
        found = np.array(groups, np.float64).reshape(len(x), len(names))  # None becomes NaN
        return dict(zip(names, found.T, strict=True))
