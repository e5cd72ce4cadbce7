"""Columns that are constant or empty in training rows carry no weight in the exported model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.export.loaded_model import LoadedModel
from support.constant_columns import CHOICES, KEYS, OTHERS, table


@pytest.mark.parametrize(
    "keys",
    [CHOICES[0], *(pytest.param(keys, marks=pytest.mark.slow) for keys in CHOICES[1:])],
    ids=" ".join,
)
def test_later_values_change_nothing(untrained: Callable[..., Path], tmp_path: Path, keys: tuple[str, ...]) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    model = LoadedModel(untrained(tmp_path / "m", *KEYS, f"data.path={tmp_path / 't.csv'}", *keys))
    assert set(OTHERS) < set(model.manifest.inputs)
    rows = table().drop(columns="y")
    expected = model.predict(rows)["prediction"]
    for name, value in OTHERS.items():
        np.testing.assert_array_equal(model.predict(rows.assign(**{name: value}))["prediction"], expected, name)
    assert not np.allclose(model.predict(rows.assign(a=3.0))["prediction"], expected)
