"""Where a model is wrong: worst rows and slices, by hand."""

import numpy as np
import pytest

from pipeline.data import Rows, Target, TextArray
from pipeline.evaluate.error_analysis import analyse

N = 200


def rows_of(values: np.ndarray, weight: np.ndarray | None = None, **inputs: object) -> Rows:
    target = Target("regression", ("y",), values[:, np.newaxis], np.array([]))
    return Rows("t", inputs, target, weight, None)  # type: ignore[arg-type]


def test_the_worst_rows_and_their_shares_of_the_loss() -> None:
    truth = np.arange(N, dtype=float)
    predicted = truth.copy()
    predicted[7] += 30
    predicted[11] -= 40
    found = analyse(rows_of(truth, x=truth), {"prediction": predicted[:, np.newaxis]}, ["x"])
    assert found.worst[:2].tolist() == [11, 7]
    assert found.shares[:3] == pytest.approx([1600 / 2500, 900 / 2500, 0])
    weight = np.ones(N)
    weight[11] = 0
    found = analyse(rows_of(truth, weight, x=truth), {"prediction": predicted[:, np.newaxis]}, ["x"])
    assert (found.worst[0], found.shares[0]) == (7, 1)


def test_what_badly_predicted_rows_have_in_common() -> None:
    rng = np.random.default_rng(0)
    town = np.array(["Ulm", "Bonn", "", "Köln"], object)[rng.integers(0, 4, N)]
    size, noise = rng.normal(size=N), rng.normal(0, 0.1, N)
    noise[town == "Bonn"] *= 20
    given = rows_of(size, town=TextArray.of(town), size=np.where(np.arange(N) < 20, np.nan, size), x=np.zeros((N, 2)))
    found = analyse(given, {"prediction": (size + noise)[:, np.newaxis]}, ["town", "size", "x", "gone"])
    assert found.in_common is not None
    assert (found.in_common.column, found.in_common.values) == ("town", "Bonn")
    assert found.in_common.n_rows == (town == "Bonn").sum()
    assert found.in_common.scores["rmse"] == pytest.approx(np.sqrt(np.mean(noise[town == "Bonn"] ** 2)))
    towns = {part.values: part.n_rows for part in found.slices if part.column == "town"}
    assert towns == {name or "missing": (town == name).sum() for name in ("Ulm", "Bonn", "", "Köln")}
    sizes = [part for part in found.slices if part.column == "size"]
    assert [part.n_rows for part in sizes] == [45, 45, 45, 45, 20]
    assert sizes[-1].values == "missing"
    assert sum(part.share_of_loss for part in sizes) == pytest.approx(1)


def test_classes_by_the_logarithm_of_the_true_one_and_rare_categories_together() -> None:
    target = Target("binary", ("y",), np.arange(N)[:, np.newaxis] % 2, np.array(["a", "b"]))
    sure = np.full(N, 0.9)
    sure[3] = 0.01
    second = np.where(target.values[:, 0] == 1, sure, 1 - sure)
    street = TextArray.of([f"street {min(number, 100) % 30}" for number in range(N)])
    outputs = {"probabilities": np.stack([1 - second, second], axis=1)}
    found = analyse(
        Rows("t", {"street": street, "flag": np.arange(N) % 2.0}, target, None, None), outputs, ["street", "flag"]
    )
    assert found.worst[0] == 3
    assert found.shares[0] == pytest.approx(np.log(0.01) / (np.log(0.01) + (N - 1) * np.log(0.9)))
    of_streets = [part.values for part in found.slices if part.column == "street"]
    assert of_streets[0] == "street 10"
    assert of_streets[-1] == "all others"
    assert [part.values for part in found.slices if part.column == "flag"] == ["0", "1"]
    assert found.in_common is None  # one bad row does not make a pattern
