"""The chain of every scaling on the columns on which scalings usually break."""

import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import PowerTransformer

from pipeline import DataError
from pipeline.config.rules import FixedScaling, NamedScaling
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.scaling import (
    LARGEST,
    Affine,
    ComposedTransform,
    OutputScaler,
    Quantile,
    Scaler,
    YeoJohnson,
    fit_scaling,
)
from support.columns import COLUMNS, LOGNORMAL, NORMAL, TARGETS

NAMES = typing.get_args(NamedScaling)
CURVES = ["log1p", "yeo_johnson", "quantile"]
LARGEST_FLOAT = float(np.finfo(np.float64).max)
SMOOTH = ["normal", "lognormal", "two_values", "huge_offset", "timestamps", "ties", "prices", "negative", "both_signs"]


def width(column: np.ndarray) -> float:
    return float(np.ptp(column)) or 1.0


def scaled_and_back(chain: ComposedTransform, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = chain.apply(NumpyOps(), column)
    return scaled, chain.invert(NumpyOps(), scaled)


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("scaling", NAMES)
def test_every_scaling_of_every_column(scaling: str, kind: str) -> None:
    column = np.sort(COLUMNS[kind])
    scaled, back = scaled_and_back(fit_scaling(column, scaling, "key"), column)
    assert np.isfinite(scaled).all()
    assert (np.diff(scaled) >= -1e-13 * np.abs(scaled[1:])).all()
    usable = np.abs(scaled) < LARGEST  # others are refused before training
    assert usable.sum() >= len(column) - 2
    assert np.abs(back - column)[usable].max() <= 1e-9 * width(column) + 1e-15 * np.abs(column[usable]).max()


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("scaling", NAMES)
def test_numbers_never_seen_stay_finite(scaling: str, kind: str) -> None:
    chain = fit_scaling(COLUMNS[kind], scaling, "key")
    far = np.array([0, 1e-300, 1, 1e10, 1e40, 1e300, LARGEST_FLOAT])
    with np.errstate(over="raise"):
        scaled = chain.apply(NumpyOps(), np.concatenate([-far, far])).astype(np.float32)
    assert np.isfinite(scaled).all()
    outputs = np.concatenate([-far, far])
    assert np.isfinite(chain.invert(NumpyOps(), outputs)).all()


@pytest.mark.parametrize("kind", SMOOTH)
@pytest.mark.parametrize("scaling", NAMES)
def test_rounded_to_float32_and_inverted_is_right_to_some_millionth_of_the_range(scaling: str, kind: str) -> None:
    column = COLUMNS[kind]
    if (scaling, kind) in {("none", "huge_offset"), ("none", "timestamps")}:
        pytest.skip("what is not scaled has float32's digits and no more")
    scaler = OutputScaler.fit(column.reshape(-1, 1), scaling, "key")
    back = scaler.invert(scaler.apply(column.reshape(-1, 1)))[:, 0]
    assert np.abs(back - column).max() <= 1.5e-6 * width(column)


@pytest.mark.parametrize("kind", ["normal", "lognormal", "prices", "negative", "both_signs"])
@pytest.mark.parametrize("scaling", CURVES)
def test_curves_have_mean_0_and_deviation_1(scaling: str, kind: str) -> None:
    scaled, _ = scaled_and_back(fit_scaling(COLUMNS[kind], scaling, "key"), COLUMNS[kind])
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


@pytest.mark.parametrize("kind", ["normal", "lognormal", "prices", "negative", "both_signs"])
def test_exponent_is_that_of_scikit_learn(kind: str) -> None:
    step = fit_scaling(COLUMNS[kind], "yeo_johnson", "key").steps[0]
    assert isinstance(step, YeoJohnson)
    (expected,) = PowerTransformer().fit(COLUMNS[kind].reshape(-1, 1)).lambdas_
    assert step.exponent == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("factor", [1, 1e8])
def test_yeo_johnson_takes_skew_away(factor: float) -> None:
    scaled, _ = scaled_and_back(fit_scaling(LOGNORMAL * factor, "yeo_johnson", "key"), LOGNORMAL * factor)
    assert abs((scaled**3).mean()) < 0.2 < 2 < (((LOGNORMAL - LOGNORMAL.mean()) / LOGNORMAL.std()) ** 3).mean()


def test_log1p_is_the_formula() -> None:
    raw = np.array([-9.0, 0.0, 99.0])
    expected = np.array([-np.log(10), 0, np.log(100)])
    scaled = fit_scaling(raw, "log1p", "key").apply(NumpyOps(), raw)
    np.testing.assert_allclose(scaled, (expected - expected.mean()) / expected.std())


def test_quantile_makes_any_shape_normal_and_knows_ties() -> None:
    scaled, _ = scaled_and_back(fit_scaling(COLUMNS["both_signs"], "quantile", "key"), COLUMNS["both_signs"])
    np.testing.assert_allclose(np.quantile(scaled, [0.16, 0.5, 0.84]), [-1, 0, 1], atol=0.05)
    step = fit_scaling(COLUMNS["ties"], "quantile", "key").steps[0]
    assert isinstance(step, Quantile)
    tie, above = step.apply(NumpyOps(), np.array([0.0, 0.001]))
    assert abs(tie) < 0.3  # 90 of 100 rows are 0: the middle of them is at the level 0.45
    assert above > tie
    assert len(step.xs) <= 1000
    assert (np.diff(step.xs) > 0).all()
    assert (np.diff(step.ys) > 0).all()
    assert step.ys[[0, -1]] == pytest.approx([-5.2, 5.2], abs=0.01)


def test_quantile_has_at_most_1000_knots_and_follows_the_seed() -> None:
    column = np.random.default_rng(0).normal(size=150_000)
    knots = [fit_scaling(column, "quantile", "key", seed=seed).steps[0].xs for seed in (0, 0, 1)]
    assert len(knots[0]) == 1000
    np.testing.assert_array_equal(knots[0], knots[1])
    assert (knots[0] != knots[2]).any()


@pytest.mark.parametrize("scaling", NAMES)
def test_clip_bounds_what_is_scaled(scaling: str) -> None:
    chain = fit_scaling(NORMAL, scaling, "key", clip=0.5)
    raw = np.array([-1e300, 1e300])
    np.testing.assert_array_equal(chain.apply(NumpyOps(), raw), [-0.5, 0.5])


@pytest.mark.parametrize("scaling", CURVES)
def test_curves_bound_predictions_by_the_training_range_widened_by_itself(scaling: str) -> None:
    low, high = LOGNORMAL.min(), LOGNORMAL.max()
    back = fit_scaling(LOGNORMAL, scaling, "key").invert(NumpyOps(), np.array([-1e30, 1e30]))
    assert back[0] >= low - (high - low)
    assert back[1] <= high + (high - low)


def test_a_column_without_rows_is_an_error() -> None:
    with pytest.raises(DataError, match=r"data.input_scaling: no training row has a number to fit quantile on"):
        fit_scaling(np.empty(0), "quantile", "data.input_scaling")


def test_an_array_takes_straight_lines_only() -> None:
    with pytest.raises(DataError, match=r"data.input_scaling: log1p is for columns with names; .* robust or fixed"):
        Scaler.fit(np.zeros((4, 2)), "log1p", "data.input_scaling")


@pytest.mark.parametrize("scaling", [*NAMES, FixedScaling(shift=[1.0, 2.0, 3.0], scale=7.0)], ids=str)
def test_each_output_is_scaled_on_its_own_and_comes_back(scaling: str | FixedScaling) -> None:
    scaler = OutputScaler.fit(TARGETS, scaling, "data.output_scaling")
    scaled = scaler.apply(TARGETS)
    assert (scaled.dtype, scaled.shape) == (np.float32, TARGETS.shape)
    back = scaler.invert(scaled)
    assert back.dtype == np.float64
    assert (np.abs(back - TARGETS) <= 1e-6 * np.ptp(TARGETS, axis=0)).all()
    if not isinstance(scaling, FixedScaling):
        alone = OutputScaler.fit(TARGETS[:, 1:2], scaling, "data.output_scaling").apply(TARGETS[:, 1:2])
        np.testing.assert_array_equal(scaled[:, 1:2], alone)


@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "robust"])
def test_straight_outputs_are_those_of_the_scaler(scaling: str) -> None:
    scaler, matrix = OutputScaler.fit(TARGETS, scaling, "key"), Scaler.fit(TARGETS, scaling, "key")
    np.testing.assert_array_equal(scaler.apply(TARGETS), ((TARGETS - matrix.shift) / matrix.scale).astype(np.float32))
    np.testing.assert_array_equal(scaler.invert(TARGETS), TARGETS * matrix.scale + matrix.shift)
    np.testing.assert_array_equal(scaler.units_per_scaled, matrix.scale)
    assert scaler.is_affine


@pytest.mark.parametrize("scaling", CURVES)
def test_a_scaled_unit_of_a_curve_is_worth_the_ratio_of_the_quartiles(scaling: str) -> None:
    scaler = OutputScaler.fit(TARGETS, scaling, "key")
    raw, scaled = (np.subtract(*np.quantile(y, [0.75, 0.25], axis=0)) for y in (TARGETS, scaler.apply(TARGETS)))
    np.testing.assert_allclose(scaler.units_per_scaled, raw / scaled, rtol=1e-5)
    assert not scaler.is_affine


@pytest.mark.parametrize("scaling", CURVES)
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_scaled_unit_is_worth_a_finite_number_above_0(kind: str, scaling: str) -> None:
    (worth,) = OutputScaler.fit(COLUMNS[kind].reshape(-1, 1), scaling, "key").units_per_scaled
    assert 0 < worth < np.inf


@pytest.mark.parametrize("scaling", NAMES)
def test_real_columns_come_back(real_data: Callable[[str], Path], scaling: str) -> None:
    frame = pd.read_csv(real_data("california_housing/california_sklearn.csv"))
    scaler = OutputScaler.fit(frame.to_numpy(np.float64), scaling, "key")
    back = scaler.invert(scaler.apply(frame.to_numpy(np.float64)))
    assert (np.abs(back - frame.to_numpy()) <= 1e-6 * np.ptp(frame.to_numpy(), axis=0)).all()


def test_a_constant_column_becomes_0_by_a_straight_line() -> None:
    for scaling in CURVES:
        chain = fit_scaling(np.full(9, 7.0), scaling, "key")
        assert chain.steps[0] == Affine(7.0, 1.0)
        assert chain.is_affine


@pytest.mark.parametrize("kind", COLUMNS)
def test_smooth_clip_bounds_ever_more_the_farther(kind: str) -> None:
    column = np.sort(COLUMNS[kind])
    chain = fit_scaling(column, "smooth_clip", "key")
    straight = fit_scaling(column, "robust", "key").apply(NumpyOps(), column)
    scaled = chain.apply(NumpyOps(), column)
    near = np.abs(straight) < 1e6
    np.testing.assert_allclose(scaled[near], straight[near] / np.hypot(1, straight[near] / 3), rtol=1e-9, atol=1e-12)
    assert (np.diff(scaled) >= -1e-12).all()
    far = np.array([0, 1e-300, 1, 1e10, 1e300, LARGEST_FLOAT])
    assert np.abs(chain.apply(NumpyOps(), np.concatenate([-far, far]))).max() <= 3
    middle = np.abs(straight) < 10
    back = chain.invert(NumpyOps(), scaled)
    np.testing.assert_allclose(back[middle], column[middle], rtol=1e-9, atol=1e-9 * width(column))


def test_predictions_stay_within_the_training_targets_if_asked_for() -> None:
    column = COLUMNS["lognormal"].reshape(-1, 1)
    outputs = np.array([[-1e9], [0.0], [1e9]])
    free = OutputScaler.fit(column, "standard", "key").invert(outputs)
    assert free[0] < column.min()
    bounded = OutputScaler.fit(column, "standard", "key", "range").invert(outputs)
    assert bounded[:, 0].tolist() == [column.min(), free[1, 0], column.max()]
