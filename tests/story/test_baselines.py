"""A run and a sweep with baselines: where they stand, and that the runs of a sweep share them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest

from pipeline.config.rules import BASELINES
from pipeline.evaluate.baselines import baseline_cache
from pipeline.train import Result
from support.places import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(baseline_cache, "mlruns", lambda: tmp_path / "mlruns")
    return tmp_path / "mlruns" / "baselines"


def test_a_run_has_them_in_its_metrics_and_on_its_card(
    trained: Callable[..., Result], regression_table: Path, folder: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.commands.show_result import show

    words = ["data=table", "model=dense", f"data.path={regression_table}", "data.target=y", "data.sample_weight=weight"]
    result = trained(*words, "baselines=[majority,boosting]")
    logged = mlflow.MlflowClient(store).get_run(result.run_id).data
    for name in ("majority", "boosting"):
        for part in ("train", "val", "test"):
            key = f"{part}_rmse"
            assert logged.metrics[f"baseline/{name}/{key}"] == result.baselines.scores[name][key]  # type: ignore[index]
        ahead = logged.metrics[f"baseline/{name}/val_rmse"] - result.scores["val_rmse"]
        assert logged.metrics[f"baseline/{name}/ahead"] == pytest.approx(ahead)
    assert not [key for key in logged.metrics if key.startswith("baseline/linear")]
    card = (Path(result.model_path) / "assets.extra" / "card.md").read_text(encoding="utf-8")
    assert "## Baselines" in card
    assert "| boosting | rmse |" in card
    show(result)
    printed = capsys.readouterr().out
    assert "rmse of boosting" in printed
    assert "against boosting" in printed
    assert len(list(folder.glob("*.npz"))) == 2


def test_rows_that_are_read_in_blocks_leave_them_out(
    trained: Callable[..., Result], regression_table: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["data=table", "model=dense", f"data.path={regression_table}", "data.target=y", "data.streaming=on"]
    with caplog.at_level("INFO"):
        result = trained(*words, "baselines=auto", "data.input_scaling=standard")
    assert result.baselines.scores == {}
    assert any("baselines are left out: they need all rows in memory" in text for text in caplog.messages)


@pytest.mark.slow
def test_two_trials_compute_them_once_and_are_compared_with_them(regression_table: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    words = [
        "train", "-m", "data=table", "model=dense", f"data.path={regression_table}", "data.target=y", "fit.epochs=2",
        "model.units=[4],[8]", f"tracking.uri={uri}", "tracking.experiment=swept",
    ]  # fmt: skip
    # A checkout of its own: what other tests keep in this one's mlruns/ meanwhile is not counted.
    for name in ("pipeline", "conf"):
        shutil.copytree(ROOT / name, tmp_path / name)
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert len(list((tmp_path / "mlruns" / "baselines").glob("*.npz"))) == len(BASELINES)
    client = mlflow.MlflowClient(uri)
    runs = client.search_runs(["1"], "metrics.val_rmse > 0")
    trials = [run for run in runs if "sweep" not in run.data.tags]
    assert len(trials) == 2
    assert len({run.data.metrics["baseline/boosting/test_rmse"] for run in trials}) == 1
    assert "against boosting" in ended.stdout
    assert "within noise" in ended.stdout or "beyond noise" in ended.stdout
