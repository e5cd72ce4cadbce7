"""The transforms of one column `(n_rows,)`, written in `Ops`: training and the exported model run the same definition.

All are monotone: a larger value is never scaled to a smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.data.ops import Ops

FLAT = 1e-100  # exponents nearer to 0 count as 0: there expm1(exponent * x) / exponent runs out of digits
FAR, JUST_BELOW_3 = 1e7, 3 - 1e-13  # SmoothClip maps the former to the latter
JUST_ABOVE_MINUS_1 = -1 + 2**-53  # the next number in float64


class Transform(Protocol):
    """A transform and its inverse, float64 columns `(n_rows,)` in and out."""

    def apply(self, ops: Ops, x: Any) -> Any:
        """From raw towards scaled."""

    def invert(self, ops: Ops, z: Any) -> Any:
        """From scaled towards raw."""


@dataclass(frozen=True)
class Affine:
    """`(x - shift) / scale`."""

    shift: float
    scale: float  # above 0

    def apply(self, ops: Ops, x: Any) -> Any:
        """Subtracts the shift, then divides by the scale."""
        return (x - self.shift) / self.scale

    def invert(self, ops: Ops, z: Any) -> Any:
        """Multiplies by the scale, then adds the shift."""
        return z * self.scale + self.shift


@dataclass(frozen=True)
class Log1p:
    """`sign(x) log(1 + |x|)`: logarithmic far from 0, linear near it, and defined for negative numbers."""

    def apply(self, ops: Ops, x: Any) -> Any:
        """Takes the logarithm."""
        return ops.sign(x) * ops.log1p(ops.abs(x))

    def invert(self, ops: Ops, z: Any) -> Any:
        """Takes the exponential; infinite from |z| = 710 on."""
        return ops.sign(z) * ops.expm1(ops.abs(z))


@dataclass(frozen=True)
class YeoJohnson:
    """The power transform of Yeo and Johnson (Biometrika 2000), which makes skewed columns more symmetric.

    `((1 + x)^exponent - 1) / exponent` from 0 on, and `-((1 - x)^(2 - exponent) - 1) / (2 - exponent)` below it; if the
    divisor is 0, the logarithm. An exponent of 1 changes nothing. Powers are computed with log1p and expm1, so that
    numbers much smaller than 1 keep their digits.
    """

    exponent: float

    @property
    def has_logarithms(self) -> tuple[bool, bool]:
        """Whether the power is a logarithm, above 0 and below 0."""
        return abs(self.exponent) < FLAT, abs(2 - self.exponent) < FLAT

    def apply(self, ops: Ops, x: Any) -> Any:
        """Takes the power; one of the two terms is 0."""
        above = _raised(ops, ops.maximum(x, 0.0), self.exponent)
        return above - _raised(ops, ops.maximum(-x, 0.0), 2 - self.exponent)

    def invert(self, ops: Ops, z: Any) -> Any:
        """Takes the root; very large or infinite for a `z` beyond the transform's range."""
        above = _lowered(ops, ops.maximum(z, 0.0), self.exponent)
        return above - _lowered(ops, ops.maximum(-z, 0.0), 2 - self.exponent)


def _raised(ops: Ops, x: Any, exponent: float) -> Any:
    logarithm = ops.log1p(x)
    return logarithm if np.all(np.abs(exponent) < FLAT) else ops.expm1(exponent * logarithm) / exponent


def _lowered(ops: Ops, z: Any, exponent: float) -> Any:
    if abs(exponent) < FLAT:
        return ops.expm1(z)
    # With an exponent below 0 the powers approach -1 / exponent and never reach it; a network's output may exceed it.
    return ops.expm1(ops.log1p(ops.maximum(exponent * z, JUST_ABOVE_MINUS_1)) / exponent)


@dataclass(frozen=True)
class Quantile:
    """To the normal distribution: piecewise linear through quantiles; values beyond the ends are set to the ends."""

    xs: np.ndarray  # (n_knots,) float64, strictly increasing, in the column's own unit
    ys: np.ndarray  # (n_knots,) float64, strictly increasing, the standard normal distribution's quantiles

    def apply(self, ops: Ops, x: Any) -> Any:
        """From the column's own unit to the normal distribution."""
        return ops.interpolate(x, self.xs, self.ys)

    def invert(self, ops: Ops, z: Any) -> Any:
        """Back to the column's own unit."""
        return ops.interpolate(z, self.ys, self.xs)


@dataclass(frozen=True)
class SmoothClip:
    """`x / sqrt(1 + (x / 3)^2)`: nearly `x` around 0, and never beyond 3 (Holzmüller et al. 2024)."""

    def apply(self, ops: Ops, x: Any) -> Any:
        """Bounds the value, the more the larger it is."""
        x = ops.minimum(ops.maximum(x, -FAR), FAR)
        return x * (1 + ops.expm1(-0.5 * ops.log1p((x / 3) * (x / 3))))

    def invert(self, ops: Ops, z: Any) -> Any:
        """Inverts the bound, up to FAR."""
        z = ops.minimum(ops.maximum(z, -JUST_BELOW_3), JUST_BELOW_3)
        return z * (1 + ops.expm1(-0.5 * ops.log1p(-(z / 3) * (z / 3))))


@dataclass(frozen=True)
class Between:
    """Values beyond either end, infinite ones too, are set to that end."""

    low: float
    high: float

    def apply(self, ops: Ops, x: Any) -> Any:
        """Bounds."""
        return ops.minimum(ops.maximum(x, self.low), self.high)

    def invert(self, ops: Ops, z: Any) -> Any:
        """Returns `z`: what was cut off is lost."""
        return z


@dataclass(frozen=True)
class Clip:
    """Values beyond the bound on either side, infinite ones too, are set to it."""

    bound: float  # 0 or more

    def apply(self, ops: Ops, x: Any) -> Any:
        """Bounds."""
        return ops.minimum(ops.maximum(x, -self.bound), self.bound)

    def invert(self, ops: Ops, z: Any) -> Any:
        """Returns `z`: what was cut off is lost."""
        return z
