"""Columns that are constant or empty in training rows carry no weight in the exported model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.export.loaded import LoadedModel
from support.constant_columns import KEYS, table

OTHERS = {"empty": 352.0, "five": -7.0, "flag": 1.0, "word": "other", "day": "2025-06-07"}


@pytest.mark.parametrize(
    "keys",
    [("data.missing_indicator=true",), ("data.category_encoding=embedding",), ("data.category_encoding=hash",),
     ("data.input_scaling=quantile",), ("data.input_scaling.shift=0", "data.input_scaling.scale=1"),
     ("data.columns_as={five: category}",)],
)  # fmt: skip
def test_later_values_change_nothing(untrained: Callable[..., Path], tmp_path: Path, keys: tuple[str, ...]) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    model = LoadedModel(untrained(tmp_path / "m", *KEYS, f"data.path={tmp_path / 't.csv'}", *keys))
    assert set(OTHERS) < set(model.manifest.inputs)
    rows = table().drop(columns="y")
    expected = model.predict(rows)["prediction"]
    for name, value in OTHERS.items():
        np.testing.assert_array_equal(model.predict(rows.assign(**{name: value}))["prediction"], expected, name)
    assert not np.allclose(model.predict(rows.assign(a=3.0))["prediction"], expected)
