"""Predictions with their uncertainty: bounds, and sets of labels, that hold the truth as often as asked.

Conformal prediction (Vovk, Gammerman and Shafer 2005), split in two (Papadopoulos et al. 2002; Romano et al. 2019).
Rows that neither train nor choose anything say how far predictions are from the truth. The quantile of that, taken for
one row more than there are, holds for a new row whatever the network is like, as long as the new row and these are
exchangeable: drawn in the same way, in whatever order. Every row counts alike, whatever its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.config.decision_rules import rounded_up
from pipeline.data import Target
from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.preprocessing.scaling import OutputScaler
from pipeline.errors import TrainingError

FLOOR = 1.0  # times the median of the members' spread; below it bounds came out wider than without any spread
ROUNDING = 1e-9  # of a quantile, by which it is widened: the row that it is from stays within
BEYOND = 1e300  # scaled: what comes back is the end of what can be predicted


@dataclass(frozen=True)
class Interval:
    """Bounds of a regression: the prediction and, on either side, a quantile times the members' spread.

    Distances are measured in scaled units: of a target that is scaled by a logarithm they are factors.
    """

    coverage: float
    quantiles: tuple[float, ...]  # by target, in scaled units, or in multiples of the spread
    floors: tuple[float, ...] | None  # by target, of the spread, in scaled units; None where there are no members
    n_rows: int  # that they are measured on

    def bounds(self, ops: Ops, scaler: OutputScaler, columns: Sequence[Any]) -> list[list[Any]]:
        """Predictions, lower and upper bounds, columns `(n_rows,)` by target in original units.

        Args:
            ops: By which they are computed.
            scaler: Of the targets.
            columns: The network's outputs `(n_rows,)`: scaled predictions and, of members, the spread of each.
        """
        predictions = scaler.invert_with(ops, columns[: len(scaler.chains)])
        free, found = scaler.beyond_range(), [predictions]
        for nearest, ends in zip((ops.minimum, ops.maximum), self.ends(ops, scaler, columns), strict=True):
            # The way back of what lies beyond the targets' range is flat, and rounds.
            found.append([nearest(*pair) for pair in zip(free.invert_with(ops, ends), predictions, strict=True)])
        return found

    def ends(self, ops: Ops, scaler: OutputScaler, columns: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Lower and upper bounds in scaled units."""
        centers = scaler.within_range(ops, columns[: len(scaler.chains)])
        spreads = spreads_of(ops, self.floors, columns)
        widths = [spread * quantile for spread, quantile in zip(spreads, self.quantiles, strict=True)]
        pairs = list(zip(centers, widths, strict=True))
        return [center - width for center, width in pairs], [center + width for center, width in pairs]


@dataclass(frozen=True)
class PredictionSet:
    """The labels whose probability is high enough: LAC, least ambiguous sets (Sadinle, Lei and Wasserman 2019).

    Of all sets with the same coverage they are the smallest on average, they hold it without drawing at random, and a
    comparison is all that an export needs. Adaptive sets (Romano, Sesia and Candès 2020) without their random part hold
    the most probable label always, and so cover as many rows as labels are right, however few were asked for. Where
    labels are right more often than asked, some sets here are empty: of the rows that are the least clear.
    """

    coverage: float
    level: float  # that a label's probability must have
    n_rows: int  # that it is measured on

    def of(self, probabilities: Any) -> Any:
        """Which labels are in the set, `(n_rows, n_classes)` bool."""
        return probabilities >= self.level


def spreads_of(ops: Ops, floors: Sequence[float] | None, columns: Sequence[Any]) -> list[Any]:
    """What a distance is measured by, by target: the members' spread with a floor; 1 without members."""
    if floors is None:
        return [1.0] * len(columns)
    return [ops.maximum(spread, floor) for spread, floor in zip(columns[-len(floors) :], floors, strict=True)]


def floors_of(outputs: np.ndarray, n_targets: int) -> tuple[float, ...] | None:
    """Floors of the spread, from rows that are not those of calibration; None where the outputs have no spread.

    Args:
        outputs: `(n_rows, n)` of the network.
        n_targets: Of these outputs, the first.
    """
    if outputs.shape[1] == n_targets:
        return None
    tiny = np.finfo(np.float32).eps
    return tuple(float(max(FLOOR * np.median(spread), tiny)) for spread in outputs[:, n_targets:].T.astype(np.float64))


def interval_of(
    coverage: float, target: Target, outputs: np.ndarray, scaler: OutputScaler, floors: tuple[float, ...] | None
) -> Interval:
    """Calibrates bounds.

    Args:
        coverage: How often they are to hold a target, each by itself.
        target: Of the calibration rows.
        outputs: `(n_rows, n)` that the network gives for them.
        scaler: Of the targets.
        floors: Of the spread.

    Raises:
        TrainingError: Too many targets are beyond all that can be predicted.
    """
    ops, columns = NumpyOps(), list(outputs.astype(np.float64).T)
    spreads, centers = spreads_of(ops, floors, columns), scaler.within_range(ops, columns[: len(scaler.chains)])
    reach = [scaler.beyond_range().invert(np.full((1, len(centers)), end))[0] for end in (-BEYOND, BEYOND)]
    quantiles = []
    for place, (chain, truth) in enumerate(zip(scaler.chains, target.values.T, strict=True)):
        scores = np.abs(chain.apply(ops, truth) - centers[place]) / spreads[place]
        scores[(truth < reach[0][place]) | (truth > reach[1][place])] = np.inf
        quantiles.append(quantile(scores, coverage) * (1 + ROUNDING))
    if not np.isfinite(quantiles).all():
        raise TrainingError(
            f"decision.interval: more than {1 - coverage:.2g} of the calibration rows have targets that "
            "data.output_scaling gives no prediction for; set data.output_scaling=standard"
        )
    return Interval(coverage, tuple(quantiles), floors, len(outputs))


def prediction_set_of(coverage: float, target: Target, probabilities: np.ndarray) -> PredictionSet:
    """Calibrates sets of labels.

    Args:
        coverage: How often they are to hold the true one.
        target: Of the calibration rows.
        probabilities: `(n_rows, n_classes)` that the model gives for them.
    """
    own = probabilities[np.arange(len(probabilities)), target.values[:, 0]]
    return PredictionSet(coverage, -quantile(-own, coverage), len(own))


def quantile(scores: np.ndarray, coverage: float) -> float:
    """The finite-sample quantile: the `ceil((n + 1) coverage)`-th smallest of n scores.

    Args:
        scores: `(n_rows,)`, as many as `Calibration.fewest` at least.
        coverage: Above 0 and below 1.
    """
    return float(np.sort(scores)[rank(len(scores), coverage) - 1])


def rank(n_rows: int, coverage: float) -> int:
    """Which of so many scores, from 1 in ascending order, is the quantile."""
    return rounded_up((n_rows + 1) * coverage)


def range_of_coverage(n_rows: int, coverage: float, level: float, n_test: int | None = None) -> tuple[float, float]:
    """What coverage to expect, from one draw of the calibration rows to the next (Vovk 2012, proposition 2a).

    That of all new rows is distributed as Beta(k, n + 1 - k), with k the rank of the quantile; that of a number of
    test rows as the Beta-binomial distribution.

    Args:
        n_rows: Calibration rows.
        coverage: That was asked for.
        level: How many of the draws are in the range, as in 0.99.
        n_test: Test rows that it is counted on; None for all that there could be.

    Returns:
        The ends of the range.
    """
    from scipy import stats  # some tenths of a second, for the card alone

    k, ends = rank(n_rows, coverage), ((1 - level) / 2, (1 + level) / 2)
    if n_test is None:
        low, high = stats.beta(k, n_rows + 1 - k).ppf(ends)
    else:
        low, high = stats.betabinom(n_test, k, n_rows + 1 - k).ppf(ends) / n_test
    return float(low), float(high)
