"""A table with columns that are constant or empty."""

import numpy as np
import pandas as pd

N = 60
KEYS = ("data=table", "data.target=y")


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.normal(size=N), "empty": np.nan, "five": 5, "flag": 0, "word": "x",
            "day": "2024-01-01", "year": [f"2023-01-{1 + row % 28:02}" for row in range(N)], "y": rng.normal(size=N),
        }
    )  # fmt: skip
