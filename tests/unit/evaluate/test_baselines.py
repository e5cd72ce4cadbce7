"""Baselines: equal to what scikit-learn computes by itself, and their standing as scoring rows by hand has it."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from pipeline import ConfigError, load
from pipeline.config import Config
from pipeline.config.rules import BASELINES, chosen_baselines
from pipeline.data import InMemory, Rows, Splits, Target
from pipeline.evaluate import Evaluation, evaluate, score
from pipeline.evaluate.baselines import baseline_cache, compare_with_baselines, in_background
from pipeline.evaluate.baselines.baseline_cache import CachedScores
from pipeline.evaluate.baselines.baseline_inputs import for_trees
from pipeline.evaluate.baselines.comparison import BaselineComparison, difference
from pipeline.evaluate.baselines.models import BOOSTING, fitted

pytestmark = pytest.mark.slow

N = 300


@pytest.fixture
def config() -> Config:
    return load("data=plain_table", "data.path=x.csv", "data.target=y")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of scikit-learn's boosting wait busily for each other: beside other tests that takes minutes."""
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where baselines of these tests are kept."""
    monkeypatch.setattr(baseline_cache, "mlruns", lambda: tmp_path / "mlruns")
    return tmp_path / "mlruns" / "baselines"


def dataset(inputs: dict[str, np.ndarray], target: Target, weight: np.ndarray | None = None) -> InMemory:
    numbers = np.random.default_rng(5).permutation(N)
    return InMemory.divided(
        Rows("t", inputs, target, weight, None), Splits(numbers[:180], numbers[180:240], numbers[240:])
    )


def numbers(columns: int = 1) -> tuple[dict[str, np.ndarray], Target, np.ndarray]:
    """Two inputs, one of them with gaps; as many targets as asked for; weights."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=N), rng.uniform(size=N)
    y = np.stack([a + np.sin(5 * b) + k * b + rng.normal(0, 0.3, N) for k in range(columns)], axis=1)
    with_gaps = np.where(rng.random(N) < 0.1, np.nan, b)
    names = tuple(f"y{k}" for k in range(columns))
    return {"a": a, "b": with_gaps}, Target("regression", names, y, np.array([])), rng.uniform(0.2, 3, N)


def classes(n: int) -> tuple[dict[str, np.ndarray], Target]:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=N), rng.normal(size=N)
    truth = np.digitize(a + 0.3 * b + rng.normal(0, 0.5, N), np.linspace(-0.7, 0.7, n - 1))
    task = "binary" if n == 2 else "multiclass"
    return {"a": a, "b": b}, Target(task, ("y",), truth.reshape(-1, 1), np.arange(n))  # type: ignore[arg-type]


def raw(rows: Rows) -> np.ndarray:
    return np.stack(list(rows.inputs.values()), axis=1)


def test_boosting_of_each_target_is_scikit_learns(config: Config) -> None:
    inputs, target, weight = numbers(columns=2)
    rows = dataset(inputs, target, weight)
    train, val, test = (rows.part(part) for part in ("train", "val", "test"))
    found = evaluate(fitted("boosting", train, val, config.data), rows)
    for k in range(2):
        model = HistGradientBoostingRegressor(**BOOSTING).fit(
            raw(train), train.target.values[:, k], train.sample_weight,
            X_val=raw(val), y_val=val.target.values[:, k], sample_weight_val=val.sample_weight,
        )  # fmt: skip
        assert 20 < model.n_iter_ < 500  # stopped by the validation rows
        expected = metrics.root_mean_squared_error(
            test.target.values[:, k], model.predict(raw(test)), sample_weight=test.sample_weight
        )
        assert found.scores[f"test_rmse_y{k}"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [2, 4])
def test_classifiers_are_scikit_learns(config: Config, n: int) -> None:
    rows = dataset(*classes(n))
    train, val, test = (rows.part(part) for part in ("train", "val", "test"))
    y, y_val, y_test = (part.target.values[:, 0] for part in (train, val, test))
    boosting = HistGradientBoostingClassifier(**BOOSTING).fit(raw(train), y, X_val=raw(val), y_val=y_val)
    mean, deviation = raw(train).mean(axis=0), raw(train).std(axis=0)
    linear = LogisticRegression(max_iter=1000).fit((raw(train) - mean) / deviation, y)
    made = {
        "boosting": boosting.predict_proba(raw(test)),
        "linear": linear.predict_proba((raw(test) - mean) / deviation),
        "majority": np.tile(np.bincount(y, minlength=n) / len(y), (len(y_test), 1)),
    }
    for name in BASELINES:
        found = evaluate(fitted(name, train, val, config.data), rows).scores
        expected = metrics.log_loss(y_test, made[name], labels=range(n))
        assert found["test_log_loss"] == pytest.approx(expected, rel=1e-4), name  # linear inputs are float32
        assert found["test_accuracy"] == metrics.accuracy_score(y_test, made[name].argmax(axis=1)), name


def test_weights_count_in_the_mean_and_the_ridge(config: Config) -> None:
    inputs, target, weight = numbers()
    rows = dataset({"a": inputs["a"]}, target, weight)
    train, test = rows.part("train"), rows.part("test")
    given = fitted("majority", train, test, config.data).predict(test.inputs)["prediction"]
    assert given.shape == (60, 1)
    np.testing.assert_allclose(given, np.average(train.target.values[:, 0], weights=train.sample_weight))
    mean, deviation = train.inputs["a"].mean(), train.inputs["a"].std()
    ridge = Ridge().fit((raw(train) - mean) / deviation, train.target.values, train.sample_weight)
    given = fitted("linear", train, test, config.data).predict(test.inputs)["prediction"]
    np.testing.assert_allclose(
        given, ridge.predict((raw(test) - mean) / deviation).reshape(-1, 1), rtol=1e-4, atol=1e-4
    )


def test_trees_see_raw_numbers_and_categories_by_number(config: Config) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.choice(["big", "small", ""], N).astype(object)
    towns = np.array([f"town {k % 300}" for k in range(N)], object)
    days = np.array([f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(N)], object)
    inputs = {
        "n": np.where(rng.random(N) < 0.2, np.nan, rng.normal(5e6, 1, N)),
        "size": sizes,
        "town": towns,
        "day": days,
    }
    empty = {"nothing": np.full(N, np.nan), "same": np.full(N, "x", object)}
    rows = Rows("t", inputs | empty, numbers()[1], None, None)
    found = for_trees(rows, config.data)
    matrix = found.matrix(rows.inputs)
    assert len(found.is_category) == matrix.shape[1]
    np.testing.assert_array_equal(matrix[:, found.is_category.index(False)], inputs["n"])
    of_size, of_town = (matrix[:, k] for k in np.flatnonzero(found.is_category))
    assert len(np.unique(of_size)) == len(set(zip(of_size, sizes, strict=True))) == 3
    assert of_town.max() == 254  # the rest of 300 towns share the last of 255 places
    unseen = found.matrix(
        {name: column[:1] for name, column in rows.inputs.items()} | {"size": np.array(["huge"], object)}
    )
    assert unseen[0, np.flatnonzero(found.is_category)[0]] not in of_size
    months = np.array([float(day[5:7]) for day in days])
    assert any(np.array_equal(column, months) for column in matrix.T)
    HistGradientBoostingRegressor(categorical_features=found.is_category).fit(matrix, rows.target.values[:, 0])


def test_a_class_without_training_rows_has_no_probability(config: Config) -> None:
    inputs, target = classes(3)
    rows = dataset(inputs, target)
    train, val = rows.part("train"), rows.part("val")
    kept_rows = np.flatnonzero(train.target.values[:, 0] != 1)
    assert (val.target.values[:, 0] == 1).any()
    for name in BASELINES:
        given = fitted(name, train.take(kept_rows), val, config.data).predict(val.inputs)["probabilities"]
        assert given.shape == (60, 3), name
        np.testing.assert_array_equal(given[:, 1], 0)
        np.testing.assert_allclose(given.sum(axis=1), 1)


@pytest.mark.parametrize("weighted", [False, True])
def test_differences_and_their_noise_are_those_of_drawn_rows(weighted: bool) -> None:
    for target, own, other in (regressions(), probabilities()):
        weight = np.random.default_rng(1).uniform(0.5, 2, len(own)) if weighted else None
        name = "prediction" if target.task == "regression" else "probabilities"
        scores = [
            {f"val_{key}": value for key, value in score(target, {name: given}, weight).items()}
            for given in (own, other)
        ]
        found = difference(
            CachedScores(scores[1], other),
            Evaluation(scores[0], {"val": target}, {"val": {name: own}}, {"val": weight}, {}),
        )
        measure = "rmse" if target.task == "regression" else "log_loss"
        assert found.ahead == pytest.approx(scores[1][f"val_{measure}"] - scores[0][f"val_{measure}"])
        rng, drawn = np.random.default_rng(2), []
        for _ in range(150):
            rows = rng.integers(0, len(own), len(own))
            drawn_weight = None if weight is None else weight[rows]
            both = [loss(target.take(rows), given[rows], drawn_weight) for given in (own, other)]
            drawn.append(both[1] - both[0])
        assert found.error == pytest.approx(np.std(drawn), rel=0.3)


def loss(target: Target, given: np.ndarray, weight: np.ndarray | None) -> float:
    """The mean RMSE of the targets, or the log loss."""
    if target.task == "regression":
        columns = zip(target.values.T, given.T, strict=True)
        return float(np.mean([metrics.root_mean_squared_error(*pair, sample_weight=weight) for pair in columns]))
    return float(metrics.log_loss(target.values[:, 0], given, labels=target.classes, sample_weight=weight))


def regressions() -> tuple[Target, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(400, 2))
    target = Target("regression", ("a", "b"), truth, np.array([]))
    return target, truth + rng.normal(0, 1, truth.shape), truth + rng.normal(0, 1.2, truth.shape)


def probabilities() -> tuple[Target, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    own, other = (rng.dirichlet([2, 2, 2], 400) for _ in range(2))
    return Target("multiclass", ("y",), rng.integers(0, 3, (400, 1)), np.arange(3)), own, other


def stand(config: Config, boosting: float, epochs: int = 10, best_epoch: int = 5) -> BaselineComparison:
    """A network whose predictions are off by about 1 beside boosting that is off by about so much."""
    rng = np.random.default_rng(0)
    target = Target("regression", ("y",), rng.normal(size=(200, 1)), np.array([]))
    own, other = (target.values + rng.normal(0, spread, (200, 1)) for spread in (1.0, boosting))
    scores = [{"val_rmse": score(target, {"prediction": given})["rmse"]} for given in (own, other)]
    found = Evaluation(scores[0], {"val": target}, {"val": {"prediction": own}}, {"val": None}, {})
    return compare_with_baselines({"boosting": CachedScores(scores[1], other)}, found, config, epochs, best_epoch)


def test_where_boosting_wins_clearly_it_is_said_what_to_try(config: Config) -> None:
    assert stand(config, 0.97).advice is None
    assert "within noise" in stand(config, 0.97).texts["against boosting"]
    won = stand(config, 1.5)
    assert won.advice is None
    assert won.texts["against boosting"].endswith("better in val_rmse, beyond noise of the validation rows")
    lost = stand(config, 0.5)
    assert "worse in val_rmse, beyond noise" in lost.texts["against boosting"]
    assert lost.advice is not None
    assert (lost.advice or "").startswith("model=tabm; python -m pipeline sweep with the same keys")
    assert f"fit.epochs={2 * config.fit.epochs}" in (stand(config, 0.5, epochs=10, best_epoch=10).advice or "")


def test_what_is_advised_is_accepted(config: Config) -> None:
    """Each word but those of a sweep, as the command line takes it."""
    words = (stand(config, 0.5, epochs=10, best_epoch=10).advice or "").split("; ")[:-1]
    assert len(words) == 2
    load("data=plain_table", "data.path=x.csv", "data.target=y", *words)


def test_tables_have_baselines_and_bundled_sets_have_none() -> None:
    table = ["data.path=x.csv", "data.target=y"]
    assert chosen_baselines(load("data=table", *table)) == list(BASELINES)
    assert chosen_baselines(load("data=table", *table, "baselines=[]")) == []
    assert chosen_baselines(load()) == []
    assert chosen_baselines(load("baselines=[linear,linear]")) == ["linear"]


def test_a_baseline_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"baselines\[0\]: .*'boostin', did you mean 'boosting'"):
        load("baselines=[boostin]")
    with pytest.raises(ConfigError, match=r"baseline_seconds: should be greater than 0"):
        load("baseline_seconds=0")


def test_they_are_computed_once_for_the_same_rows(config: Config, folder: Path) -> None:
    inputs, target, weight = numbers()
    rows = dataset(inputs, target, weight)
    with in_background(config, rows) as first:
        assert first.process is not None
        found = first.collect()
    assert list(found) == list(BASELINES)
    expected = evaluate(fitted("boosting", rows.part("train"), rows.part("val"), config.data), rows)
    assert found["boosting"].scores == pytest.approx(expected.scores)
    other_inputs = load("data=plain_table", "data.path=x.csv", "data.target=y", "data.input_scaling=quantile", "seed=3")
    with in_background(other_inputs, rows) as second:
        assert second.process is None
        assert second.collect()["boosting"].scores == found["boosting"].scores
    with in_background(config, dataset(inputs, replace(target, values=target.values + 1), weight)) as third:
        assert third.process is not None
    assert len(list(folder.glob("*.npz"))) == 3


def test_what_does_not_end_in_time_is_named(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    inputs, target, _ = numbers()
    short = config.model_copy(update={"baseline_seconds": 0.01})
    for text in ("it did not finish within 0.01 s", "it did not finish within 0.01 s"):
        caplog.clear()
        with caplog.at_level(logging.WARNING), in_background(short, dataset(inputs, target)) as late:
            assert late.collect() == {}
        assert len(caplog.messages) == 3
        assert text in caplog.messages[-1]
        assert caplog.messages[-1].startswith("baseline boosting is left out")
    assert late.process is None  # it is not tried again for no longer
    with in_background(config, dataset(inputs, target)) as longer:
        assert list(longer.collect()) == list(BASELINES)


def test_what_fails_is_named_and_the_others_are_there(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    inputs, target = classes(2)
    rows = dataset(inputs, target)
    one = replace(
        rows.rows,
        target=replace(target, values=np.where(np.arange(N) < 180, 0, rows.rows.target.values[:, 0])[:, None]),
    )
    with caplog.at_level(logging.WARNING), in_background(config, InMemory(one, rows.n_rows, one.hashes)) as found:
        assert "majority" in found.collect()
    assert any(text.startswith("baseline linear is left out: ValueError: This solver") for text in caplog.messages)


def test_the_process_ends_with_who_started_it(config: Config) -> None:
    inputs, target, _ = numbers()
    with pytest.raises(KeyboardInterrupt), in_background(config, dataset(inputs, target)) as started:
        raise KeyboardInterrupt
    assert started.process is not None
    assert started.process.returncode is not None
