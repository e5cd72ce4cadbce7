"""Thresholds and temperatures: the best there are, by brute force; and every label of the export follows them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from pipeline import ConfigError, data, load
from pipeline.commands.show_result import show
from pipeline.config.decision_rules import Decision
from pipeline.export.calibrate import best_temperature, best_threshold
from pipeline.export.formats.convert import export
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.locate import resolve
from pipeline.train import Result, run


def decision(threshold: str, precision: float = 0.8, cost: float = 3.0) -> Decision:
    return Decision(
        temperature=False, threshold=threshold, precision=precision, false_positive_cost=1.0, false_negative_cost=cost,
        interval=None, prediction_set=None,
    )  # type: ignore[arg-type]  # fmt: skip


def rows(n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities with ties, truths that follow them, and weights."""
    rng = np.random.default_rng(0)
    probability = rng.integers(1, 40, n) / 40
    return probability, rng.random(n) < probability**2, rng.uniform(0.5, 2, n)


def counts(threshold: float) -> tuple[float, float, float]:
    probability, positive, weight = rows()
    said = probability >= threshold
    return weight @ (said & positive), weight @ (said & ~positive), weight @ (~said & positive)


def test_thresholds_are_the_best_by_brute_force() -> None:
    every = [counts(threshold) for threshold in np.linspace(0.001, 1, 400)]
    hits, alarms, misses = counts(best_threshold(decision("f1"), *rows()))
    assert 2 * hits / (2 * hits + alarms + misses) == pytest.approx(max(2 * h / (2 * h + a + m) for h, a, m in every))
    _, alarms, misses = counts(best_threshold(decision("cost"), *rows()))
    assert alarms + 3 * misses == pytest.approx(min(a + 3 * m for _, a, m in every))
    hits, alarms, _ = counts(best_threshold(decision("precision"), *rows()))
    assert hits / (hits + alarms) >= 0.8
    assert hits == pytest.approx(max(h for h, a, _ in every if h and h / (h + a) >= 0.8))


def test_ends_of_the_range(caplog: pytest.LogCaptureFixture) -> None:
    probability, nobody = np.array([0.9, 0.4, 0.2]), np.array([False, False, False])
    assert best_threshold(decision("cost"), probability, nobody, np.ones(3)) == pytest.approx(0.95)
    best_threshold(decision("precision"), probability, np.array([False, True, False]), np.ones(3))
    assert "no threshold gives 0.8 on the validation rows; the one with the highest, 0.5, is taken" in caplog.text


def test_the_temperature_undoes_what_made_logits_too_sure() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    assert best_temperature(logits * 2.5, truth, np.ones(len(truth))) == pytest.approx(2.5, rel=0.03)


@pytest.mark.parametrize(
    ("logits", "temperature"),
    [(np.eye(3) / 100, 0.05), (np.eye(3) * 1000, 20.0), (-np.eye(3), 20.0), (np.zeros((3, 3)), 20.0)],
    ids=["right, and hardly sure", "right beyond doubt", "wrong", "nothing said"],
)
def test_temperatures_at_an_end(logits: np.ndarray, temperature: float) -> None:
    assert best_temperature(logits, np.arange(3), np.ones(3)) == pytest.approx(temperature, rel=1e-6)


def test_rows_that_are_right_beyond_doubt_leave_their_probabilities_as_they_are() -> None:
    """Their loss is 0 in float64 for a range of temperatures, of which any will do."""
    logits = np.eye(3) * 50
    divided = logits / best_temperature(logits, np.arange(3), np.ones(3))
    assert np.exp(divided - divided.max(axis=1, keepdims=True)).sum(axis=1).tolist() == [1, 1, 1]


@pytest.mark.slow
def test_the_export_follows_both(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("decision.threshold=cost", "decision.false_negative_cost=20.0", "decision.temperature=true")
    config = load("data=breast_cancer", "fit.epochs=2", "model.units=[8]", *keys, f"tracking.uri={store}")
    result = run(config)
    model = LoadedModel(Path(result.model_path))
    threshold = model.manifest.threshold
    assert threshold is not None
    logged = MlflowClient(store).get_run(result.run_id).data.metrics
    assert logged["threshold"] == threshold
    assert logged["temperature"] != 1
    test = data.load(config.data).part("test")
    card = (Path(result.model_path) / "assets.extra" / "card.md").read_text()
    assert "## Calibration" in card
    assert f"Positive class: malignant, at a probability of {threshold:.4g} or more (decision.threshold=cost)" in card
    assert f"|  | val at 0.5 | val at {threshold:.4g} | test at 0.5 | test at {threshold:.4g} |" in card
    assert "a false positive costs 1, a false negative 20" in card
    outputs = model.predict_raw(test.inputs)
    said = (outputs["probabilities"][:, 1] >= threshold).astype(int)
    assert (outputs["label"] == test.target.classes[said]).all()
    assert (said != outputs["probabilities"].argmax(axis=1)).any()
    truth = test.target.values[:, 0]
    assert result.scores["test_accuracy"] == pytest.approx((said == truth).mean())
    assert result.decisions
    at_half, after = result.decisions.confusions[2:]
    assert after.scores["mean cost"] == pytest.approx((20 * (truth > said) + (truth < said)).mean())
    assert at_half.counts["false negatives"] == (truth > outputs["probabilities"].argmax(axis=1)).sum()
    show(result)
    printed = capsys.readouterr().out
    assert f"positive class    malignant, at a probability of {threshold:.4g} or more" in printed
    assert f"test at {threshold:.4g}" in printed


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["data=iris", "decision.threshold=f1"], "decision.threshold: f1 is for two classes, but this is a multiclass"),
        (["data=diabetes", "decision.temperature=true"], "decision.temperature: a regression has no probabilities"),
        (["data=iris", "data.task=multiclass", "decision.threshold=f1"], "decision.threshold: f1 is for two classes"),
    ],
)
def test_what_a_task_cannot_decide(trained: Callable[..., Result], keys: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(*keys)


@pytest.mark.slow
def test_other_runtimes_decide_alike(store: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    keys = ("decision.threshold=cost", "decision.false_negative_cost=50.0", "decision.temperature=true")
    result = run(load("data=breast_cancer", "fit.epochs=3", *keys, f"tracking.uri={store}"))
    loaded = LoadedModel(Path(result.model_path))
    rows = data.read_rows(load("data=breast_cancer").data).inputs
    outputs = loaded.predict(rows)
    classes = np.array(loaded.manifest.classes)
    assert (classes[outputs["probabilities"].argmax(axis=1)] != outputs["label"]).any()

    folder = export(resolve(result.model_path), "onnx", tmp_path).folder
    (file,) = folder.glob("*.onnx")
    given = {column.argument: np.asarray(rows[name], np.float64) for name, column in loaded.manifest.inputs.items()}
    (numbers,) = runtime.InferenceSession(file).run(["class_index"], given)
    assert (classes[numbers] == outputs["label"]).all()
