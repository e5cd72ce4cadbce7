"""Rows that are on two sides of a split although their row numbers are not."""

import numpy as np
import pandas as pd

from pipeline.data.rows import Rows
from pipeline.data.splits.parts import Splits

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, odd: Knuth's multiplicative hashing


def duplicates_across(rows: Rows, splits: Splits) -> dict[str, int]:
    """Counts the rows of val and of test whose inputs and target are those of a training row, gaps included.

    Rows are compared by a hash of 64 bits: of a million different rows, one in ten million tables has two alike.
    """
    hashed = np.zeros(len(rows), np.uint64)
    for column in (*rows.inputs.values(), *rows.target.values.T):
        hashed = hashed * MULTIPLIER ^ _hashed(column)
    known = pd.Index(hashed[splits.train]).unique()
    return {
        name: int(pd.Index(hashed[part]).isin(known).sum())
        for name, part in splits.parts().items()
        if part is not splits.train
    }


def _hashed(column: np.ndarray) -> np.ndarray:
    """A number per row, `(n_rows,)` uint64, of a column or of an array `(n_rows, n_inputs)`."""
    if column.ndim == 1:
        return pd.util.hash_array(column + 0.0 if column.dtype.kind == "f" else column)  # -0.0 becomes 0.0
    row = np.dtype((np.void, column.shape[1] * column.itemsize))
    texts = np.ascontiguousarray(column).view(row).reshape(-1).tolist()
    return np.fromiter(map(hash, texts), np.int64, len(texts)).view(np.uint64)
