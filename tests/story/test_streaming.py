"""A run whose rows are streamed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.train import Result
from support.streaming import split_file


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("task", ["regression", "classes", "stock", "two devices"])
def test_a_streamed_run_scores_as_one_in_memory(
    mixed: pd.DataFrame, tmp_path: Path, trained: Callable[..., Result], task: str
) -> None:
    if task == "classes":
        mixed["y"] = np.where(mixed["y"] > mixed["y"].median(), "high", "low")
    path = tmp_path / "t.csv"
    mixed.drop(columns=["weight", "group"]).to_csv(path, index=False)
    overrides = {
        "classes": ["fit.class_weight=balanced"],
        "stock": ["fit.execution=stock"],
        "two devices": ["fit.devices=[CPU:0,CPU:1]"],
    }.get(task, [])
    split = f"data.split.path={split_file(tmp_path, len(mixed))}"
    names = [
        "data=plain_table",
        f"data.path={path}",
        "data.target=y",
        split,
        "fit.epochs=8",
        "fit.batch_size=32",
        *overrides,
    ]
    result = trained(*names, "data.streaming=on", "data.memory_budget=64MB")
    expected = trained(*names, "data.streaming=off")
    name = "test_accuracy" if task == "classes" else "test_r2"
    assert result.scores[name] > 0.8
    assert abs(result.scores[name] - expected.scores[name]) < 0.05
