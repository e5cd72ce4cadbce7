"""Columns whose names MLflow does not take for those of params: a run with a key for one ended in a traceback."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from pipeline import load, run
from pipeline.track.params import param_key

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["age", "Wall Area", "größe", "a.b", "a/b", "a-b"])
def test_plain_names_stay(name: str) -> None:
    assert param_key(f"data.column_kinds.{name}") == f"data.column_kinds.{name}"


def test_other_names_stay_apart() -> None:
    names = ["f(x)", "f[x]", "%", "€", "a//b", "a/../b", "two\nlines", "\U0007c621", "", "x" * 300, "x" * 301]
    keys = [param_key(f"data.column_kinds.{name}") for name in names]
    assert len(set(keys)) == len(names)
    assert max(map(len, keys)) <= 250


def test_a_run_with_keys_for_such_columns(store: str, tmp_path: Path, table: Callable[..., Path]) -> None:
    names = ["Jitter(%)", "a//b", "\U0007c621", "x" * 260]
    rng = np.random.default_rng(0)
    path = tmp_path / "t.csv"
    pd.DataFrame({name: rng.normal(size=60) for name in [*names, "y"]}).to_csv(path, index=False)
    (tmp_path / "experiment").mkdir()
    content = {"defaults": [{"override /data": "plain_table"}], "data": {"path": str(path), "target": "y"}}
    content["data"] |= {
        "column_kinds": dict.fromkeys(names, "numeric"),
        "impute": {"default": "median", "by_column": dict.fromkeys(names, "mean")},
    }
    text = "# @package _global_\n" + yaml.safe_dump(content)
    (tmp_path / "experiment" / "odd.yaml").write_text(text)
    words = ("experiment=odd", "fit.epochs=1", "model.units=[4]", f"tracking.uri={store}")
    result = run(load(*words, config_dir=tmp_path))
    params = MlflowClient(store).get_run(result.run_id).data.params
    assert params["data.column_kinds.Jitter_28_25_29"] == "numeric"
    assert sum(key.startswith("data.impute.by_column.") for key in params) == len(names)
