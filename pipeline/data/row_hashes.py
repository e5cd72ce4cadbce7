"""Hashes of training rows, which show whether a file that a model is scored on holds some of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from pipeline.data.checks.levels import hashes
from pipeline.data.dataset import Dataset
from pipeline.data.reading.raw_columns import RawColumn, as_raw
from pipeline.data.rows import Rows

FILE = "data/training_rows.npz"  # artifact of a run
MAX_ROWS = 100_000  # training rows that are kept, and rows of a file that are examined
MAX_VALUES = 10_000_000  # the same limit for wide tables, in values
NOISE = 3.0  # standard errors


@dataclass(frozen=True)
class RowHashes:
    """Hashes that are kept of training rows."""

    hashes: np.ndarray  # (n_distinct,) uint64, sorted
    n_kept: int  # rows with these hashes, evenly drawn from the training rows
    n_rows: int  # all training rows
    n_new: int  # test rows
    n_new_alike: int  # test rows that equal a kept row, the share of repeats to expect in new rows

    @classmethod
    def of(cls, dataset: Dataset, parts: Sequence[str] = ("train",)) -> RowHashes:
        """Hashes a run's rows.

        Args:
            dataset: The run's rows.
            parts: Parts that its network was trained on.
        """
        found = np.concatenate([_some(dataset.part(part)) for part in parts])
        kept = np.unique(found)
        new = _some(dataset.part("test"))
        n_rows = sum(dataset.n_rows[part] for part in parts)
        return cls(kept, len(found), n_rows, len(new), int(np.isin(new, kept).sum()))

    def write(self, path: Path) -> None:
        """Writes the hashes, 8 bytes for each row."""
        np.savez(path, hashes=self.hashes, counts=[self.n_kept, self.n_rows, self.n_new, self.n_new_alike])

    @classmethod
    def read(cls, path: Path) -> RowHashes | None:
        """Reads what `write` has written; None if the file does not exist or is not such a file."""
        try:
            with np.load(path) as file:
                return cls(file["hashes"], *map(int, file["counts"]))
        except (OSError, ValueError, KeyError, BadZipFile):
            return None

    def warning(self, looked_at: np.ndarray) -> str | None:
        """A warning about rows to score a model on; None if they repeat training rows no more often than new rows.

        Args:
            looked_at: Hashes of the rows.
        """
        n, n_alike = len(looked_at), int(np.isin(looked_at, self.hashes).sum())
        natural = self.n_new_alike / max(1, self.n_new)
        error = math.sqrt(natural * (1 - natural) * (1 / max(1, n) + 1 / max(1, self.n_new)))
        if n_alike == 0 or n_alike / n - natural <= NOISE * error:
            return None
        by_nature = f" (as {natural:.0%} of the run's own test rows are)" if self.n_new_alike else ""
        part = f"; {self.n_kept:,} of {self.n_rows:,} training rows are known" if self.n_kept < self.n_rows else ""
        return (
            f"{n_alike:,} of {n:,} rows are training rows of the model, inputs and target alike{by_nature}{part}: "
            "scores on them are too good"
        )


def row_hashes(inputs: Mapping[str, RawColumn], targets: np.ndarray) -> np.ndarray:
    """A number `(n_rows,)` uint64 for each row, which is the same in every process if all values are.

    Args:
        inputs: Columns, in any order.
        targets: `(n_rows, n_targets)`, values or class numbers.
    """
    columns = [as_raw(inputs[name]) for name in sorted(inputs)] + list(np.asarray(targets, np.float64).T)
    row = np.zeros(len(targets), np.uint64)
    for column in columns:
        row = row * np.uint64(0x9E3779B97F4A7C15) + _hashes(column)  # odd, so no column is lost; overflow is intended
        row ^= row >> np.uint64(29)
    return row


def most_rows(n_inputs: int) -> int:
    """How many rows are kept or examined."""
    return max(1, min(MAX_ROWS, MAX_VALUES // max(1, n_inputs)))


def _some(rows: Rows) -> np.ndarray:
    """The hashes of all rows, or of evenly drawn ones if there are many."""
    most = most_rows(rows.n_inputs)
    if len(rows) > most:
        rows = rows.take(np.linspace(0, len(rows) - 1, most).astype(int))
    return row_hashes(rows.inputs, rows.target.values)


def _hashes(column: RawColumn) -> np.ndarray:
    """Like `levels.hashes`, but arrays too have the same hashes in every process."""
    if column.ndim == 1:
        return hashes(column)
    as_bytes = np.empty(len(column), object)
    as_bytes[:] = [row.tobytes() for row in np.ascontiguousarray(column, np.float64) + 0.0]
    return pd.util.hash_array(as_bytes, categorize=False)
