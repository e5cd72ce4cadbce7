"""A target that data.column_formats reads: new rows are scored by what it says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import DataError
from pipeline.inference.score_file import score_file

N = 60
DOLLARS = [f"${1000 + 37 * number:,}" for number in range(N)]
KEYS = ("data=plain_table", "data.target=y", 'data.column_formats={y: "$1,234.5", weight: "1.5 kg"}')


@pytest.mark.parametrize("n_labels", [N, 3])
def test_a_target_in_dress_is_scored_as_it_was_trained(
    table: Callable[..., Path], untrained: Callable[..., Path], tmp_path: Path, n_labels: int
) -> None:
    """Its numbers may be few, so that they are classes."""
    prices = np.resize(DOLLARS[:n_labels], N).tolist()
    weights = [f"{number / 7:.2f} kg" for number in range(N)]
    path = table(weight=weights, y=prices)
    folder = untrained(tmp_path / "m", *KEYS, f"data.path={path}")
    scored = score_file(str(folder), path)
    assert scored.n_rows == N
    plain = table("plain.csv", weight=weights, y=[float(price[1:].replace(",", "")) for price in prices])
    assert score_file(str(folder), plain).scores == scored.scores
    wrong = table("wrong.csv", weight=weights, y=[*prices[:2], "3 apples", *prices[3:]])
    with pytest.raises(DataError, match=r"column 'y', row 2: '3 apples' is not written as '\$1,234.5' in data.column"):
        score_file(str(folder), wrong)
