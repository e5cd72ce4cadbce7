"""Where a user finds a row that a message is about."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Places:
    """Row numbers as files have them, counted from 0; those of a separate test file are counted anew."""

    n_rows: int
    n_test_file_rows: int  # which are the last ones
    numbers: np.ndarray | None  # (n_rows,) of each row in its file, where not all rows of the files are there

    def __call__(self, position: int) -> str:
        """`row 7` or `row 7 of data.split.test_path`."""
        n_first = self.n_rows - self.n_test_file_rows
        in_test_file = position >= n_first
        number = position - n_first * in_test_file if self.numbers is None else self.numbers[position]
        return f"row {number} of data.split.test_path" if in_test_file else f"row {number}"
