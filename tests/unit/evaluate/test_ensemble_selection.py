"""The greedy selection of an ensemble."""

import numpy as np
import pandas as pd
import pytest

from pipeline import evaluate
from pipeline.data.preprocessing.scaling.targets import OutputScaler
from pipeline.data.target import make_target
from pipeline.evaluate.ensemble_selection import ValidationLoss, mean_of, select


def loss_of(truth: np.ndarray, task: str, scaling: str = "standard") -> ValidationLoss:
    target = make_target({"y": pd.Series(truth)}, task)
    scaler = OutputScaler.fit(target.values, scaling, "data.output_scaling")
    return ValidationLoss(target, scaler, np.linspace(0.5, 1.5, len(truth)))


@pytest.mark.parametrize("scaling", ["standard", "log1p"])
def test_the_loss_of_a_regression_is_the_score_that_runs_have(scaling: str) -> None:
    rng = np.random.default_rng(0)
    loss = loss_of(rng.exponential(10, 50), "regression", scaling)
    scaled = rng.normal(size=(50, 1))
    expected = evaluate.score(loss.target, {"prediction": loss.scaler.invert(scaled)}, loss.weight)
    assert loss(loss.averaged(scaled)) == pytest.approx(expected["rmse"])


@pytest.mark.parametrize(("task", "n_classes"), [("binary", 2), ("multiclass", 4)])
def test_the_loss_of_classes_is_the_score_that_runs_have(task: str, n_classes: int) -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(48) % n_classes
    loss = loss_of(truth, task, "none")
    logits = rng.normal(size=(48, 1 if n_classes == 2 else n_classes)) * 3
    whole = np.concatenate([np.zeros_like(logits), logits], axis=1) if n_classes == 2 else logits
    probabilities = np.exp(whole) / np.exp(whole).sum(axis=1, keepdims=True)
    expected = evaluate.score(loss.target, {"probabilities": probabilities}, loss.weight)
    assert loss(loss.averaged(logits)) == pytest.approx(expected["log_loss"])


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_the_error_of_a_difference_is_what_drawing_rows_anew_gives(task: str) -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(400) % 2 if task == "binary" else rng.normal(size=400)
    loss = loss_of(truth, task, "none")
    own, other = (loss.averaged(rng.normal(size=(400, 1))) for _ in range(2))
    drawn = [rng.integers(400, size=400) for _ in range(500)]
    differences = [loss.take(rows)(own[rows]) - loss.take(rows)(other[rows]) for rows in drawn]
    assert loss.standard_error(own, other) == pytest.approx(np.std(differences), rel=0.15)
    assert loss.standard_error(own, own) == 0


def test_networks_whose_errors_cancel_are_taken_together_and_poor_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(400, 1))
    loss = loss_of(truth[:, 0], "regression", "none")
    error = rng.normal(size=(400, 1))
    candidates = [truth + error, truth - error, truth + 3 * rng.normal(size=(400, 1))]
    entries = select(candidates, loss, max_entries=32, seed=0)
    assert set(entries) == {0, 1}
    assert loss(mean_of(candidates, entries)) < 0.2 * loss(candidates[0])
    assert len(entries) <= 32
    assert entries == select(candidates, loss, max_entries=32, seed=0)


def test_one_network_is_an_ensemble_too() -> None:
    loss = loss_of(np.arange(10.0), "regression", "none")
    assert set(select([np.zeros((10, 1))], loss, max_entries=5, seed=0)) == {0}


@pytest.mark.parametrize("n_rows", [40, 100])
def test_few_validation_rows_do_not_make_chance_a_reason(n_rows: int) -> None:
    """Where no network is better than another, the ensemble is as good on new rows as the mean of all of them."""
    worse = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        signal, noise = rng.normal(size=(2 * n_rows, 1)), rng.normal(size=(2 * n_rows, 1))
        truth = signal + noise
        candidates = [signal + 0.5 * rng.normal(size=truth.shape) for _ in range(30)]
        val, new = (loss_of(truth[rows, 0], "regression", "none") for rows in (slice(n_rows), slice(n_rows, None)))
        entries = select([one[:n_rows] for one in candidates], val, max_entries=32, seed=0)
        later = [one[n_rows:] for one in candidates]
        worse.append(new(mean_of(later, entries)) / new(mean_of(later, range(30))))
    assert np.mean(worse) < 1.02
