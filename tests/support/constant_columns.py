"""A table with columns that are constant or empty."""

import numpy as np
import pandas as pd

N = 60
KEYS = ("data=plain_table", "data.target=y")
OTHERS = {"empty": 352.0, "five": -7.0, "flag": 1.0, "word": "other", "day": "2025-06-07"}
CHOICES = [
    ("data.category_encoding=embedding", "data.missing_indicator=true"), ("data.missing_indicator=true",),
    ("data.category_encoding=hash",), ("data.input_scaling=quantile",),
    ("data.input_scaling.shift=0", "data.input_scaling.scale=1"), ("data.column_kinds={five: category}",),
]  # fmt: skip


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.normal(size=N), "empty": np.nan, "five": 5, "flag": 0, "word": "x",
            "day": "2024-01-01", "year": [f"2023-01-{1 + row % 28:02}" for row in range(N)], "y": rng.normal(size=N),
        }
    )  # fmt: skip
