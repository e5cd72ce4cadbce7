"""Rows as a user has them: named input columns, a target in its own units or labels, and weights."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pipeline.data.fingerprint import fingerprint, hash_of
from pipeline.data.reading.raw_columns import RawColumn, as_raw
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.target import Target
from pipeline.runtime.threads import in_threads


@dataclass(frozen=True)
class Rows:
    """What the exported model takes, and what it is scored against."""

    name: str
    inputs: dict[str, RawColumn]  # (n_rows,) each; an array without names is {"x": (n_rows, n)}
    target: Target
    sample_weight: np.ndarray | None  # (n_rows,) float64
    test_rows: np.ndarray | None  # row numbers of an official test set
    split_column: RawColumn | None = None  # (n_rows,) of data.split.column
    n_test_file_rows: int = 0  # rows of a separate test file, which come last
    row_numbers: np.ndarray | None = None  # (n_rows,) number of each row through all files; None if all rows are there
    n_first: int | None = None  # rows of the files before the test file, with those that were left out
    taken_places: RowNumbers | None = None  # of rows that were taken from others
    left_out: frozenset[str] = frozenset()  # inputs that were there

    def __post_init__(self) -> None:
        """Converts arrays of objects to text columns."""
        object.__setattr__(self, "inputs", {name: as_raw(column) for name, column in self.inputs.items()})
        object.__setattr__(self, "split_column", None if self.split_column is None else as_raw(self.split_column))

    def __len__(self) -> int:
        return len(self.target.values)

    @property
    def n_inputs(self) -> int:
        """Raw inputs per row."""
        return sum(column.shape[1] if column.ndim == 2 else 1 for column in self.inputs.values())

    @property
    def places(self) -> RowNumbers:
        """Where a user finds each row."""
        return self.taken_places or RowNumbers(len(self), self.n_test_file_rows, self.row_numbers, self.n_first)

    def take(self, rows: np.ndarray | slice) -> Rows:
        """The rows of the given numbers, in that order; a slice shares the memory of these rows."""
        target = self.target.take(rows)
        taken = in_threads(lambda column: column[rows], self.inputs.values(), n_rows=len(target.values))
        return replace(
            self,
            inputs=dict(zip(self.inputs, taken, strict=True)),
            target=target,
            sample_weight=None if self.sample_weight is None else self.sample_weight[rows],
            test_rows=None,
            split_column=None if self.split_column is None else self.split_column[rows],
            n_test_file_rows=0,
            row_numbers=None,
            n_first=None,
            taken_places=self.places.take(rows),
        )

    def without(self, columns: Collection[str]) -> Rows:
        """The same rows without some of their input columns."""
        inputs = {name: column for name, column in self.inputs.items() if name not in columns}
        return replace(self, inputs=inputs, left_out=self.left_out | (self.inputs.keys() & set(columns)))

    @property
    def fingerprint(self) -> str:
        """Hash of the column names and all values, which shows whether two runs used the same rows."""
        return fingerprint(self.hashes)

    @cached_property
    def hashes(self) -> dict[str, str]:
        """A hash of each column, with those of targets and weights."""
        targets = zip(self.target.names, self.target.originals().T, strict=True)
        columns = dict(self.inputs) | {f"target {name}": column for name, column in targets}
        if self.sample_weight is not None:
            columns[""] = self.sample_weight
        return dict(zip(columns, in_threads(hash_of, columns.values(), n_rows=len(self)), strict=True))
