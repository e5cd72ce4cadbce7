"""Chooses and fits the transforms of a column: straight lines and curves, on its training rows."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from scipy.optimize import minimize_scalar

from pipeline.config.rules import FixedScaling
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.scaling.composed_transform import HIGHEST, ComposedTransform
from pipeline.data.preprocessing.scaling.statistics import STATISTICS, WIDEST, given, shift_and_scale
from pipeline.data.preprocessing.scaling.transforms import (
    Affine,
    Between,
    Clip,
    Log1p,
    Quantile,
    SmoothClip,
    Transform,
    YeoJohnson,
)
from pipeline.errors import DataError

LARGEST = 1e30  # bound of scaled values; a layer adds up some hundred of them, and float32 ends at 3e38
TRAINABLE = 1e18  # bound of values that are trained on or scored: losses, metrics and gradients hold their squares
NARROW = 1e-2  # of a column's largest number: over a narrower range a power or logarithm is straight to two digits
THIN = 1e-290  # narrower ranges leave no room for quantiles in between
CONDITION = 1e5  # of an inverse in float64, which is exact to some 1e-15
LARGEST_LOGARITHM = 700.0  # exponent of exp, which overflows float64 at 709.8
ENOUGH_ROWS = 100_000  # to fit a curve on; more rows hardly change it
EXACT = 1e-9  # of an exponent
NOISE = 1e-3  # of the interquartile range
SLIGHT_NOISE = 1e-5  # of the standard deviation
MAX_KNOTS, MIN_KNOTS, ROWS_PER_KNOT = 1000, 10, 30
END_LEVEL = 1e-7  # quantile level of the ends, 5.2 deviations from the middle


def fit_scaling(
    column: np.ndarray,
    scaling: str,
    key: str,
    clip: float | None = None,
    seed: int = 0,
    condition: float = CONDITION,
) -> ComposedTransform:
    """Fits the transforms of one column.

    `log1p`, `yeo_johnson` and `quantile` are each followed by a standardizing shift and scale; `noisy_quantile` is not.
    The column is only standardized if a curve cannot differ from a straight line, or has no digits left to do so: it
    has one value; its range is far smaller than its numbers, such as a second around a Unix timestamp; or its numbers
    reach the end of float64.

    The last step bounds scaled values by `clip`, or by LARGEST, so that no raw number becomes infinite in float32.

    On the training range the inverse is exact to 1e-9 of the range.

    Args:
        column: `(n_rows,)` float64, finite, training rows only.
        scaling: A name of `NamedScaling`.
        key: Configuration key, for messages.
        clip: Bound of scaled values; None for LARGEST.
        seed: Seed of the choice of rows if there are more than ENOUGH_ROWS, and of the noise of `quantile`.
        condition: How much the inverse may enlarge a rounding error; it bounds the exponents of `yeo_johnson`.

    Raises:
        DataError: There are no rows.
    """
    if not len(column):
        raise DataError(f"{key}: no training row has a number to fit {scaling} on; use data.drop")
    bound = Clip(LARGEST if clip is None else clip)
    if scaling == "smooth_clip":
        return ComposedTransform((Affine(*shift_and_scale(column, "robust")), SmoothClip(), bound))
    if scaling in STATISTICS:
        return ComposedTransform((Affine(*shift_and_scale(column, scaling)), bound))
    column = np.clip(column, -WIDEST, WIDEST)
    curve = _curve(column, scaling, seed, condition)
    if curve is None:
        return ComposedTransform((Affine(*shift_and_scale(column, "standard")), bound))
    if scaling == "noisy_quantile":
        return ComposedTransform((curve, bound))
    with np.errstate(over="ignore"):
        standardize = Affine(*shift_and_scale(curve.apply(NumpyOps(), column), "standard"))
    low, high = float(column.min()), float(column.max())
    return ComposedTransform(
        (curve, standardize, bound), max(low - (high - low), -HIGHEST), min(high + (high - low), HIGHEST)
    )


def flat(value: float) -> ComposedTransform:
    """The transform of an input that has one value in all training rows: 0, whatever comes later.

    The weights of such an input are never trained, so another value would change predictions at random.
    """
    return ComposedTransform((Affine(value, 1.0), Clip(0.0)))


def zero_one(low: float, high: float, clip: float | None = None) -> ComposedTransform:
    """The transform of an input with two values in all training rows: they become 0 and 1, later ones are in between.

    Args:
        low: The lower value.
        high: The higher value.
        clip: Bound of scaled values.
    """
    return ComposedTransform(
        (Affine(*shift_and_scale(np.array([low, high]), "minmax")), Between(0.0, min(1.0, clip or 1.0)))
    )


def fixed_scaling(
    scaling: FixedScaling, n_columns: int, key: str, clip: float | None = None
) -> list[ComposedTransform]:
    """The transforms of given shifts and scales, one for each column.

    Args:
        scaling: Shift and scale, one for all columns or one for each.
        n_columns: Number of columns.
        key: Configuration key, for messages.
        clip: Bound of scaled values.

    Raises:
        DataError: The number of values is neither one nor that of the columns.
    """
    bound = Clip(LARGEST if clip is None else clip)
    shift, scale = given(scaling, n_columns, key)
    return [ComposedTransform((Affine(*pair), bound)) for pair in zip(shift.tolist(), scale.tolist(), strict=True)]


def _curve(column: np.ndarray, scaling: str, seed: int, condition: float) -> Transform | None:
    """The fitted curve; None if a straight line does as well."""
    width = float(column.max() - column.min())
    if width < THIN:
        return None
    if scaling in ("quantile", "noisy_quantile"):
        return _quantile(column, seed, _noise(column, scaling))
    if width < NARROW * float(np.abs(column).max()):
        return None
    return Log1p() if scaling == "log1p" else _yeo_johnson(column, seed, condition)


def _yeo_johnson(column: np.ndarray, seed: int, condition: float) -> YeoJohnson | None:
    """The exponent of maximum likelihood, among those whose inverse keeps its digits on these rows."""
    low, high = _exponents(column, condition)
    if low >= high:
        return None
    rows = _enough(column, np.random.default_rng(seed))
    logarithms = float(Log1p().apply(NumpyOps(), rows).mean())

    def unlikelihood(exponent: float) -> float:  # the negative log-likelihood for each row, without constants
        raised = YeoJohnson(exponent).apply(NumpyOps(), rows)
        _, deviation = shift_and_scale(raised, "standard")
        return math.log(deviation) - (exponent - 1) * logarithms

    found = minimize_scalar(unlikelihood, bounds=(low, high), method="bounded", options={"xatol": EXACT})
    return YeoJohnson(float(found.x))


def _exponents(column: np.ndarray, condition: float) -> tuple[float, float]:
    """Lowest and highest exponent: powers of the numbers above 0, and `2 - power` of the numbers below."""
    above, below = _powers(float(column.max()), condition), _powers(-float(column.min()), condition)
    return max(above[0], 2 - below[1]), min(above[1], 2 - below[0])


def _powers(largest: float, condition: float) -> tuple[float, float]:
    """Lowest and highest power for numbers from 0 to the largest.

    A power below 0 levels off far from 0, and a power above 1 leaves small numbers few digits.
    """
    if largest <= 0:
        return -math.inf, math.inf
    room = math.log(condition) / math.log1p(largest)
    return -room, min(1 + room, LARGEST_LOGARITHM / math.log1p(largest))


def _noise(column: np.ndarray, scaling: str) -> float:
    """The noise's deviation: relative to the interquartile range for `quantile`, to the deviation for `noisy_quantile`.

    The former bounds it: one absurd number would make noise relative to the deviation drown all other numbers.
    """
    noise = NOISE * shift_and_scale(column, "robust")[1]
    return noise if scaling == "quantile" else min(noise, SLIGHT_NOISE * shift_and_scale(column, "standard")[1])


def _quantile(column: np.ndarray, seed: int, noise: float) -> Quantile:
    """Quantiles of the training rows, with a little noise that spreads ties over the quantiles they occupy.

    As in Gorishniy et al., Revisiting Deep Learning Models for Tabular Data (NeurIPS 2021). The ends include the
    training range, so that it can be inverted.
    """
    rng = np.random.default_rng(seed)
    rows = _enough(column, rng)
    n_rows = len(rows)
    noisy = np.sort(rows + noise * rng.standard_normal(n_rows))
    levels = np.linspace(0, 1, min(n_rows, max(MIN_KNOTS, min(n_rows // ROWS_PER_KNOT, MAX_KNOTS))))
    knots = np.interp(levels * (n_rows - 1), np.arange(n_rows), noisy)
    knots[0], knots[-1] = min(knots[0], column.min()), max(knots[-1], column.max())
    knots[np.abs(knots) < THIN] = 0.0  # TensorFlow flushes smaller differences to 0
    xs, place = np.unique(np.maximum.accumulate(knots), return_inverse=True)
    shared = np.bincount(place, weights=levels) / np.bincount(place)  # equal knots get their mean level
    normal = NormalDist()
    return Quantile(xs, np.array([normal.inv_cdf(level) for level in np.clip(shared, END_LEVEL, 1 - END_LEVEL)]))


def _enough(column: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return column if len(column) <= ENOUGH_ROWS else column[rng.integers(len(column), size=ENOUGH_ROWS)]
