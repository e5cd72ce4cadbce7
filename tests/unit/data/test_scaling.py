"""Scaling: the formulas, and the columns on which they usually break."""

import numpy as np
import pytest

from pipeline import DataError
from pipeline.config.rules import FixedScaling
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.network_inputs import ArrayInputs
from pipeline.data.preprocessing.scaling import LARGEST, Scaler


def skewed(n_rows: int = 1000) -> np.ndarray:
    return np.random.default_rng(0).lognormal(size=(n_rows, 3)) * [1, 100, 1e-6]


def scaled(raw: np.ndarray, scaling: str | FixedScaling) -> np.ndarray:
    """An array as a network sees it when the scaling was fitted on all its rows."""
    inputs = ArrayInputs(Scaler.fit(raw, scaling, "data.input_scaling"), LARGEST, {"x": "numeric"})
    return to_array(inputs, {"x": raw})


def test_standard_has_mean_0_and_deviation_1() -> None:
    found = scaled(skewed(), "standard")
    np.testing.assert_allclose(found.mean(axis=0, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=0, dtype=np.float64), 1, atol=1e-6)


def test_minmax_reaches_0_and_1() -> None:
    found = scaled(skewed(), "minmax")
    np.testing.assert_array_equal([found.min(axis=0), found.max(axis=0)], [[0] * 3, [1] * 3])


def test_robust_has_median_0_and_interquartile_range_1() -> None:
    found = scaled(skewed(), "robust")
    quarter, median, three_quarters = np.quantile(found, [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(median, 0, atol=1e-6)
    np.testing.assert_allclose(three_quarters - quarter, 1, atol=1e-6)


def test_none_passes_values_on() -> None:
    np.testing.assert_array_equal(scaled(skewed(), "none"), skewed().astype(np.float32))


def test_fixed_values_for_all_columns_and_for_each() -> None:
    raw = np.array([[1.0, 10.0], [3.0, 30.0]])
    for_all = scaled(raw, FixedScaling(shift=1.0, scale=2.0))
    for_each = scaled(raw, FixedScaling(shift=[1.0, 10.0], scale=[2.0, 20.0]))
    np.testing.assert_array_equal(for_all, [[0, 4.5], [1, 14.5]])
    np.testing.assert_array_equal(for_each, [[0, 0], [1, 1]])


def test_fixed_values_must_be_one_or_one_per_column() -> None:
    with pytest.raises(DataError, match=r"data.input_scaling.shift: 3 values for 2 columns"):
        Scaler.fit(np.zeros((4, 2)), FixedScaling(shift=[1.0, 2.0, 3.0], scale=1.0), "data.input_scaling")


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("value", [0.0, 0.1, -3e300, 1e-300])
def test_constant_column_becomes_0(kind: str, value: float) -> None:
    raw = np.full((50, 1), value)
    np.testing.assert_array_equal(scaled(raw, kind), 0)


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
def test_unix_timestamps_keep_their_digits(kind: str) -> None:
    raw = 1.7e9 + np.arange(100.0).reshape(-1, 1)  # float32 would see a single value here
    found = scaled(raw, kind)
    assert len(np.unique(found)) == 100


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("size", [1e-300, 1e200])
def test_squares_that_float64_cannot_hold_do_no_harm(kind: str, size: float) -> None:
    raw = np.random.default_rng(0).normal(size=(100, 1)) * size
    assert 0.1 < scaled(raw, kind).std() < 2


def test_robust_falls_back_to_the_deviation_where_the_quartiles_meet() -> None:
    raw = np.array([0.0] * 90 + [5.0] * 10).reshape(-1, 1)
    scaler = Scaler.fit(raw, "robust", "key")
    assert (scaler.shift[0], scaler.scale[0]) == (0, pytest.approx(raw.std()))


def test_integers_are_scaled_in_float64() -> None:
    raw = np.array([[2**53 - 1], [2**53 - 3]], dtype=np.int64)
    np.testing.assert_array_equal(scaled(raw, "minmax"), [[1], [0]])
