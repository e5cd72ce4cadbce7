"""Where a user finds a row that a message mentions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class RowNumbers:
    """Row numbers as in the files, counted from 0; those of a separate test file are counted from 0 again."""

    n_rows: int  # rows that were read
    n_test_file_rows: int  # rows of the test file, which come last
    numbers: np.ndarray | None  # (n_rows,) number of each row through all files; None if all rows are there
    n_first: int | None = None  # rows of the files before the test file, with those that were left out
    taken: np.ndarray | None = None  # which of the rows these are, if some were taken or reordered

    def __call__(self, position: int) -> str:
        """`row 7` or `row 7 of data.split.test_path`."""
        if self.taken is not None:
            position = int(self.taken[position])
        n_there = self.n_rows - self.n_test_file_rows
        n_first = n_there if self.n_first is None else self.n_first
        in_test_file = position >= n_there
        number = (position if self.numbers is None else int(self.numbers[position])) - n_first * in_test_file
        return f"row {number} of data.split.test_path" if in_test_file else f"row {number}"

    def take(self, rows: np.ndarray | slice) -> RowNumbers:
        """The places of some of the rows, in the given order."""
        known = np.arange(self.n_rows) if self.taken is None else self.taken
        return replace(self, taken=known[rows])
