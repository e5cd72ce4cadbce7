"""Which targets are classes."""

import pandas as pd
import pytest

from pipeline.data.target import make_target


@pytest.mark.parametrize(
    "labels",
    [[f"c{row}" for row in range(40)], [f"{row:03}" for row in range(40)], [f"A {row}" for row in range(40)],
     [f"{1 + row % 28:02}.{1 + row // 28:02}.2021" for row in range(40)], [f"{row % 4} kg" for row in range(40)],
     [f"2021-01-{row}" for row in range(40)]],
)  # fmt: skip
def test_labels_with_digits_stay_classes(labels: list[str]) -> None:
    found = make_target({"y": pd.Series(labels, name="y", dtype="str")}, "auto")
    assert found.task == "multiclass"
