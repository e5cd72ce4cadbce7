"""Rows that are copies of others, within the table and across the parts of its split."""

import numpy as np
import pandas as pd

from pipeline.data.checks.levels import hashes
from pipeline.data.rows import Rows
from pipeline.data.splits import Splits


def duplicates(rows: Rows, splits: Splits) -> tuple[int, dict[str, int]]:
    """How many rows repeat an earlier row, and by part how many validation or test rows repeat a training row.

    Args:
        rows: All rows.
        splits: Row numbers of each part.
    """
    row = np.zeros(len(rows), np.uint64)
    for column in (*rows.inputs.values(), *rows.target.values.T):
        row = row * np.uint64(0x9E3779B97F4A7C15) + hashes(column)  # odd, so no column is lost; overflow is intended
        row ^= row >> np.uint64(29)
    copies = {
        part: int(pd.Series(row[getattr(splits, part)]).isin(row[splits.train]).sum()) for part in ("val", "test")
    }
    return int(pd.Series(row).duplicated().sum()), copies
