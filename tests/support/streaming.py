"""A table that is read in blocks, and blocks so small that little files show what large ones do.

All tests load this file: what takes long is imported in its functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture
def mixed() -> pd.DataFrame:
    """3 000 rows of all kinds, with gaps in each."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    n = 3000
    frame = pd.DataFrame(
        {
            "number": rng.normal(50, 20, n),
            "skewed": rng.exponential(3, n),
            "code": rng.integers(1, 5, n).astype(float),
            "flag": rng.random(n) < 0.3,
            "city": rng.choice(["Ulm", "Bonn", "Köln", "a, b"], n, p=[0.6, 0.3, 0.09, 0.01]),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "group": rng.integers(0, 40, n).astype(str),
            "weight": rng.uniform(0.5, 2, n),
        }
    )
    frame["y"] = frame.number / 10 + frame.code + frame.flag * 2 + rng.normal(0, 0.1, n)
    frame["day"] = frame["day"].dt.strftime("%Y-%m-%d")
    for name in ("number", "city", "code"):
        frame.loc[rng.random(n) < 0.05, name] = None
    return frame


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of some hundred rows and a sample of some hundred, so that little files show what large ones do."""
    monkeypatch.setattr("pipeline.data.streaming.survey.block_bytes", lambda budget: 20_000)
    monkeypatch.setattr("pipeline.data.streaming.streamed_dataset.block_bytes", lambda budget: 20_000)
    monkeypatch.setattr("pipeline.data.streaming.survey.MIN_SAMPLED", 500)
    monkeypatch.setattr("pipeline.data.streaming.survey.SAMPLE_SHARE", 0)
    monkeypatch.setattr("pipeline.data.streaming.sample.MAX_SEEN", 20)


def split_file(folder: Path, n: int) -> Path:
    import numpy as np

    order = np.random.default_rng(1).permutation(n)
    path = folder / "split.npz"
    np.savez(path, train=np.sort(order[: n * 7 // 10]), val=np.sort(order[n * 7 // 10 : n * 8 // 10]), test=np.sort(order[n * 8 // 10 :]))  # fmt: skip  # noqa: E501
    return path
