"""Keys of a preset for tables: numbers with two values, ordered whole numbers, narrow columns, noisy quantiles."""

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from pipeline import DataError, load
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.column_kinds import kinds_of
from pipeline.data.preprocessing.network_inputs import TableInputs, fit_inputs
from pipeline.data.preprocessing.scaling import fit_scaling

N = 300
RNG = np.random.default_rng(0)


def fitted(column: np.ndarray, *overrides: str) -> TableInputs:
    config: Any = load("data=plain_table", "data.path=x.csv", "data.target=y", *overrides).data
    inputs = fit_inputs({"a": column}, config)
    assert isinstance(inputs, TableInputs)
    return inputs


def made(inputs: TableInputs, *values: float) -> list[list[float]]:
    found: list[list[float]] = to_array(inputs, {"a": np.array(values)}).tolist()
    return found


@pytest.mark.parametrize("values", [(0.0, 1.0), (-7.5, 3.0), (1e300, 1.1e300), (0.1, 0.3)])
def test_two_values_become_0_and_1_and_others_stay_between(values: tuple[float, float]) -> None:
    low, high = values
    inputs = fitted(np.resize([low, high, high, np.nan], N), "data.two_valued=zero_one")
    assert made(inputs, low, high, -1.7e308, 1.7e308, np.inf, np.nan) == [[0], [1], [0], [1], [1], [1]]
    assert made(inputs, low / 2 + high / 2)[0][0] == pytest.approx(0.5)
    assert inputs.numbers == ()  # no embedding of numbers


@pytest.mark.parametrize(
    "overrides",
    [[], ["data.two_valued=zero_one", "data.input_scaling.by_column={a: standard}"],
     ["data.two_valued=zero_one", "data.input_scaling={shift: 0, scale: 2}"]],
)  # fmt: skip
def test_two_values_are_scaled_as_the_config_says(overrides: list[str]) -> None:
    inputs = fitted(np.resize([0.0, 4.0], N), *overrides)
    assert inputs.numbers == (0,)
    assert made(inputs, 8.0)[0][0] > 1


def test_three_values_are_a_number() -> None:
    assert fitted(np.resize([0.5, 1.5, 2.5], N), "data.two_valued=zero_one").numbers == (0,)


def test_ordered_numbers_are_numbers_with_one_hot_beside_them() -> None:
    rooms = np.resize([1.0, 2, 3, 5, np.nan], N)
    inputs = fitted(rooms, "data.ordered_numbers=number_and_one_hot")
    assert inputs.kinds == {"a": "numeric"}
    assert inputs.names == ("a", "a=1.0", "a=2.0", "a=3.0", "a=5.0")
    assert inputs.numbers == (0,)
    found = np.array(made(inputs, 1, 5, 4, np.nan))
    np.testing.assert_array_equal(found[:, 1:], [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert found[0, 0] < found[3, 0] < found[2, 0] < found[1, 0]


@pytest.mark.parametrize(
    ("column", "overrides", "n_inputs"),
    [
        (np.arange(N) % 20, [], 21),
        (np.arange(N) % 21, [], 1),
        (np.arange(N) % 2, [], 1),
        (np.arange(N) % 5 + 0.5, [], 1),
        (np.arange(N) % 15 * 1.0, ["data.column_kinds={a: numeric}"], 1),
        (np.arange(N) % 15 * 1.0, ["data.column_kinds={a: category}"], 15),
        (np.arange(N) % 5 * 1.0, ["data.category_encoding.by_column={a: ordinal}"], 1),
    ],
)
def test_which_numbers_are_ordered(column: np.ndarray, overrides: list[str], n_inputs: int) -> None:
    inputs = fitted(column.astype(float), "data.ordered_numbers=number_and_one_hot", *overrides)
    assert inputs.n_inputs == n_inputs


def test_codes_stay_categories_by_default() -> None:
    config: Any = load("data=plain_table", "data.path=x.csv", "data.target=y").data
    assert kinds_of({"a": np.resize([1.0, 2, 3], N)}, config) == {"a": "category"}


def test_narrow_columns_carry_no_weight() -> None:
    narrow = 1 + 1e-8 * RNG.random(N)
    keys = ["data.input_scaling=none", "data.narrowest_range=1e-6"]
    assert made(fitted(narrow, *keys), 1.0, 55.0) == [[0], [0]]
    assert fitted(narrow, *keys).numbers == ()
    assert made(fitted(narrow, keys[0]), 55.0) == [[55]]
    assert fitted(narrow, "data.narrowest_range=1e-6").numbers == (0,)  # standardized, it is as wide as any


def test_noisy_quantiles_are_normal_and_bounded() -> None:
    column = RNG.lognormal(size=3000)
    chain = fit_scaling(column, "noisy_quantile", "key")
    scaled = chain.apply(NumpyOps(), column)
    ranks = (np.argsort(np.argsort(column)) + 0.5) / len(column)
    inner = (ranks > 0.02) & (ranks < 0.98)
    expected = np.array([NormalDist().inv_cdf(rank) for rank in ranks])
    assert np.abs(scaled - expected)[inner].max() < 0.1
    far = chain.apply(NumpyOps(), np.array([-1e300, 1e300]))
    np.testing.assert_allclose(far, [-5.2, 5.2], atol=0.01)
    (curve, _) = chain.steps
    assert len(curve.xs) == 100  # type: ignore[union-attr]


def test_one_absurd_number_does_not_drown_the_others_in_noise() -> None:
    column = np.append(RNG.normal(size=N), 1e300)
    scaled = fit_scaling(column, "noisy_quantile", "key").apply(NumpyOps(), column)
    assert np.corrcoef(scaled[:N], column[:N])[0, 1] > 0.85


@pytest.mark.parametrize("key", ["two_valued=zero_one", "ordered_numbers=number_and_one_hot", "narrowest_range=1e-6"])
def test_an_array_has_none_of_it(key: str) -> None:
    name = key.partition("=")[0]
    with pytest.raises(DataError, match=rf"data\.{name}: digits is an array without column names; leave it at "):
        fit_inputs({"x": RNG.normal(size=(20, 3))}, load("data=digits", f"data.{key}").data)
