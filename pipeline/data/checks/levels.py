"""Columns as numbered levels, so that text, categories and numbers are all counted in one way."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.data.reading.raw_columns import RawColumn, TextArray

MAX_LABEL_LENGTH = 80  # letters of a value that a report keeps


@dataclass(frozen=True)
class Levels:
    """A column's distinct values, and which row has which."""

    codes: np.ndarray  # (n_rows,) int64 into `values`; -1 for a gap
    values: np.ndarray  # (n_levels,) float64 or text, in order of appearance


def levels(column: RawColumn) -> Levels:
    """Numbers the distinct values of a raw column `(n_rows,)`; NaN and "" are gaps."""
    if not isinstance(column, TextArray):
        codes, values = pd.factorize(column)
        return Levels(codes.astype(np.int64, copy=False), values)
    used = column.used()
    codes, values = used.codes.astype(np.int64), used.levels
    if (gap := np.flatnonzero(values == "")).size:
        codes = np.where(codes == gap[0], -1, codes - (codes > gap[0]))
        values = np.delete(values, gap[0])
    return Levels(codes, values)


def label(value: object) -> str:
    """A value as a report shows it."""
    written = f"{value:.12g}" if isinstance(value, float) else str(value)
    return written if len(written) <= MAX_LABEL_LENGTH else written[: MAX_LABEL_LENGTH - 3] + "..."


def hashes(column: RawColumn) -> np.ndarray:
    """A number `(n_rows,)` uint64 for each row; equal values have equal numbers."""
    if isinstance(column, TextArray):
        hashed = pd.util.hash_array(column.levels, categorize=False)
        return np.where(column.levels == "", np.uint64(0), hashed)[column.codes]
    if column.ndim == 2:
        return np.array([hash(row.tobytes()) for row in column]).view(np.uint64)
    numbers = column.astype(np.float64) + 0.0  # turns -0.0 into 0.0
    numbers[np.isnan(numbers)] = np.nan  # NaN has several bit patterns
    return pd.util.hash_array(numbers)
