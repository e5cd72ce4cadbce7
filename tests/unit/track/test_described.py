"""What pages of runs, sweeps and registered models say at their top, and what runs are called."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.compare.sweep_report import description
from pipeline.config import load
from pipeline.track.header import name_of
from pipeline.track.invented_name import invented_name
from pipeline.track.pages import NOTE
from pipeline.track.registry import promote, register
from pipeline.train import Result
from support.ranked_runs import found_in, ranked, replicas


def test_a_run_says_its_scores_data_model_and_commands(trained_once: Callable[..., Result], store: str) -> None:
    result = trained_once("data=breast_cancer", "fit.epochs=1", "baselines=[majority]")
    said = MlflowClient(store).get_run(result.run_id).data.tags[NOTE]
    lines = said.splitlines()
    assert lines[0] == "| score | train | val | test |"
    shown = " | ".join(f"{result.scores[f'{part}_log_loss']:.5g}" for part in ("train", "val", "test"))
    assert f"| log_loss | {shown} |" in lines
    of_majority = f"{result.baselines.scores['majority']['val_log_loss']:.5g}"
    assert any(line.startswith("| log_loss of majority |") and of_majority in line for line in lines)
    assert f"Against majority: {result.baselines.texts['against majority']}." in said
    assert any(line.startswith("**Data** `breast_cancer`: binary of `target` from 30 inputs; rows: ") for line in lines)
    assert f"**Model** dense, {result.n_parameters:,} parameters; 1 epochs, kept 1; seed 0" in lines
    assert f"python -m pipeline predict {result.run_id} new.csv predictions.csv" in lines


def test_a_registered_model_is_described_by_what_its_alias_stands_for(
    trained_once: Callable[..., Result], trained: Callable[..., Result], store: str
) -> None:
    client, first = MlflowClient(store), trained_once("data=iris", "fit.epochs=1")
    second = trained("data=iris", "fit.epochs=2")
    register(first.run_id, "described", None, False, store)
    reported = client.get_registered_model("described").description
    assert "python -m pipeline predict models:/described/1 new.csv predictions.csv" in reported
    assert client.get_model_version("described", "1").description == client.get_run(first.run_id).data.tags[NOTE]
    register(second.run_id, "described", "champion", True, store)
    reported = client.get_registered_model("described").description
    assert reported.startswith("This is of models:/described@champion")
    assert second.run_id in reported
    assert first.run_id not in reported
    client.update_registered_model("described", "mine")
    promote("described", "1", "champion", store)
    assert client.get_registered_model("described").description == "mine"


def test_a_sweep_says_its_best_and_how_sure_that_is() -> None:
    found = found_in(ranked(*replicas({"0.1": [3.0, 4.0], "0.01": [5.0, 6.0]})))
    said = description(found, "make compare")
    assert said.startswith("4 finished; by val_rmse, lower is better\n\n| # | val_rmse |")
    assert "| 1 | 3.5 ± 0.71 | 2 |" in said
    assert f"**{found.verdict.headline}.** {found.verdict.text}" in said
    assert f"python -m pipeline predict {found.comparison.candidates[0].run.id} new.csv predictions.csv" in said
    assert said.endswith("make compare\n```")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["data=iris"], "iris-dense-"),
        (["data=table", "data.path=some/my houses.csv.gz", "data.target=y"], "my-houses-tabm-"),
    ],
)
def test_a_run_is_called_by_data_and_model(words: list[str], name: str) -> None:
    found = name_of(load(*words), invented_name())
    assert re.fullmatch(rf"{name}[a-z]+-[a-z]+-\d+", found), found
    assert name_of(load(*words), invented_name()) != found
    assert Path(found).name == found
