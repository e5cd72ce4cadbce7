"""The commands that predict and score files, each in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from pipeline import data, load
from pipeline.train import Result
from support.runs import FLOWERS

pytestmark = pytest.mark.slow


def command(*words: object) -> str:
    """What a command printed, which ended well and had nothing to say of errors."""
    line = [sys.executable, "-m", "pipeline", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_rows_are_scored_and_the_scores_logged_to_the_models_run(
    trained_once: Callable[..., Result], store: str, tmp_path: Path
) -> None:
    result, test = trained_once(*FLOWERS), data.load(load(*FLOWERS).data).part("test")
    frame = pd.DataFrame({name: np.asarray(column) for name, column in test.inputs.items()})
    frame = frame.assign(target=test.target.classes[test.target.values[:, 0]], id=range(len(test)))
    frame.to_csv(tmp_path / "new.csv", index=False)

    printed = command("evaluate", result.run_id, tmp_path / "new.csv", "--log", "--uri", store)
    assert "new_accuracy" in printed
    logged = MlflowClient(store).get_run(result.run_id).data
    assert logged.metrics["new_log_loss"] == pytest.approx(result.scores["test_log_loss"])
    assert logged.tags["new_n_rows"] == str(len(frame))

    printed = command("predict", result.model_path, tmp_path / "new.csv", tmp_path / "o.parquet", "--keep", "id")
    assert f"{len(frame)} rows in" in printed
    assert list(pd.read_parquet(tmp_path / "o.parquet"))[:2] == ["id", "label"]
