"""The model card: its numbers by hand or by brute force, its code as it is written, in the run and in the export."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline import evaluate
from pipeline.data import Rows, Target
from pipeline.export import manifest as manifests
from pipeline.export.card.drawing import losses, reliability_curve, scatter
from pipeline.export.card.intervals import intervals
from pipeline.export.card.page import Page
from pipeline.export.card.permutation_importance import importance
from pipeline.export.card.reliability import Bin, reliability
from pipeline.runtime.pages.chart import HEIGHT, WIDTH, Chart
from pipeline.train import Result


def two_classes(n: int) -> tuple[Target, dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    second = rng.integers(1, 20, n) / 20
    truth = (rng.random(n) < second).astype(int)
    return Target("binary", ("y",), truth.reshape(-1, 1), np.array(["a", "b"])), {
        "probabilities": np.stack([1 - second, second], axis=1)
    }


def several_targets(n: int) -> tuple[Target, dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    values = rng.normal(1000, [1, 5], (n, 2))
    return Target("regression", ("u", "v w"), values, np.array([])), {"prediction": values + rng.normal(size=(n, 2))}


@pytest.mark.parametrize(("made", "n"), [(two_classes, 150), (several_targets, 150), (several_targets, 5000)])
def test_intervals_are_those_of_scoring_drawn_rows(made: Callable, n: int) -> None:
    target, outputs = made(n)
    weight = np.random.default_rng(2).uniform(0.5, 2, n)
    found = intervals(target, outputs, weight, seed=0)
    assert set(found) == set(evaluate.score(target, outputs, weight))
    rng, drawn = np.random.default_rng(3), []
    for _ in range(200):
        rows = rng.integers(0, n, n)
        drawn.append(
            evaluate.score(target.take(rows), {name: values[rows] for name, values in outputs.items()}, weight[rows])
        )
    for name, (low, high) in found.items():
        values = np.array([scores[name] for scores in drawn])
        spread = values.std()
        assert (low, high) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.7 * spread)
        assert low < evaluate.score(target, outputs, weight)[name] < high


def test_importance_tells_columns_that_count_from_those_that_do_not() -> None:
    rng = np.random.default_rng(0)
    x, noise, text = rng.normal(size=400), rng.normal(size=400), rng.choice(["p", "q"], 400).astype(object)
    truth = x + 0.5 * (text == "q")
    rows = Rows(
        "t", {"noise": noise, "text": text, "x": x}, Target("regression", ("y",), truth[:, np.newaxis], np.array([])),
        None, None,
    )  # fmt: skip
    found = importance(
        lambda given: {"prediction": (given["x"] + 0.5 * (np.asarray(given["text"]) == "q"))[:, np.newaxis]}, rows, 0
    )
    assert [entry.column for entry in found] == ["x", "text", "noise"]
    assert found[0].mean == pytest.approx(2 * x.var() / truth.var(), rel=0.2)
    assert found[0].low > found[1].high > found[1].low > 0
    assert (found[2].low, found[2].high) == (0, 0)
    matrix = Rows("t", {"x": np.stack([noise, x], axis=1)}, rows.target, None, None)
    assert importance(lambda given: {"prediction": given["x"][:, 1:]}, matrix, 0)[0].column == "x[1]"
    wide = Rows("t", {"x": np.zeros((400, 784))}, rows.target, None, None)
    assert importance(lambda given: {"prediction": given["x"][:, :1]}, wide, 0) == []


def test_calibration_by_hand() -> None:
    target = Target("binary", ("y",), np.array([[1], [0], [1], [1]]), np.array([0, 1]))
    second = np.array([0.95, 0.95, 0.65, 0.35])
    bins, error = reliability(target, np.stack([1 - second, second], axis=1))
    assert [(entry.low, entry.n_rows, entry.accuracy) for entry in bins] == [(0.6, 2, 0.5), (0.9, 2, 0.5)]
    assert error == pytest.approx(0.5 * 0.15 + 0.5 * 0.45)


def test_a_page_escapes_what_data_is_called() -> None:
    page = Page("a <b>")
    page.table(["n|m", "b"], [["<script>", "x_y"]])
    page.picture("p", losses([{"loss": np.nan}, {"loss": 3.0}]))
    assert "<script>" not in page.html()
    assert r"| n\|m |" in page.markdown()
    assert r"| \<script\> | x\_y |" in page.markdown()


@pytest.mark.parametrize(
    "chart",
    [
        losses([{"loss": 3.0, "val_loss": 4.0}]),
        losses([{"loss": 3.0, "val_loss": np.inf}, {"loss": 2.0, "val_loss": np.nan}]),
        losses([{"loss": np.nan}]),
        scatter("<y>", np.array([1.0, 2.0, 3.0]), np.array([1.5, np.nan, 1e30])),
        scatter("y", np.array([5.0]), np.array([5.0])),
        scatter("y", np.array([1.0, 2.0]), np.array([np.nan, np.inf])),
        reliability_curve([Bin(0.5, 0.6, 10, 0.55, 0.0), Bin(0.9, 1.0, 5, 0.95, 1.0)]),
        reliability_curve([Bin(0.9, 1.0, 5, 0.95, 1.0)]),
    ],
    ids=["an epoch", "not finite", "nothing", "far off", "a row", "no number", "two bins", "a bin"],
)
def test_a_picture_stands_by_itself_and_holds_finite_numbers_only(chart: Chart) -> None:
    image = ET.fromstring(chart.image())
    assert image.tag == "{http://www.w3.org/2000/svg}svg"
    assert ".frame {" in (image.findtext("{*}style") or "")
    numbers = re.findall(r'\b(?:cx|cy|x|y|points|d)="([^"]*)"', chart.svg())
    assert not re.search("nan|inf", " ".join(numbers))
    for x, y in re.findall(r"([-\d.]+),([-\d.]+)", " ".join(numbers)):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT


@pytest.mark.slow
def test_every_run_has_a_card_whose_code_runs(
    trained: Callable[..., Result], table: Callable[..., Path], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=100)
    path = table(**{"a": a, "town's": rng.choice(["Bern", "Ol'ten", ""], 100), "y": 1000 + 50 * a})
    result = trained("data=plain_table", f"data.path={path}", "data.target=y", "model.units=[4]")
    mlflow.set_tracking_uri(store)
    card = mlflow.artifacts.load_text(f"runs:/{result.run_id}/card.md")
    exported = Path(result.model_path) / "assets.extra"
    assert (exported / "card.md").read_text() == card
    page = (exported / "card.html").read_text()
    for part in (
        "Intended use",
        "Data",
        "Architecture",
        "Scores",
        "Learning curve",
        "Permutation importance",
        "Error analysis",
        "How to load",
    ):
        assert f"## {part}" in card
        assert f"<h2>{part}" in page
    assert "Calibration" not in card
    assert re.search(r"\| rmse \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ to [\d.]+ \|", card)
    assert page.count("<svg") == 2  # the learning curve, and predictions by targets
    (exported / "card.md").write_text(card + "It is for houses in Bern.")  # its author may
    assert manifests.verify(Path(result.model_path)).run_id == result.run_id
    monkeypatch.chdir(Path(result.model_path).parent)
    names: dict[str, object] = {}
    exec(re.findall(r"```python\n(.*?)```", card, re.DOTALL)[0], names)
    outputs = names["outputs"]
    assert isinstance(outputs, dict)
    assert outputs["prediction"].shape == (2, 1)
    assert list(pd.DataFrame(outputs["prediction"].numpy()).isna().any()) == [False]
