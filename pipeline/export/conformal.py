"""Uncertainty of predictions: bounds, or sets of labels, that contain the truth with the requested frequency.

Conformal prediction (Vovk, Gammerman and Shafer 2005), split in two (Papadopoulos et al. 2002; Romano et al. 2019).
Rows that neither train nor influence any choice show how far predictions are from the truth. A quantile of these
distances, computed as for one more row, holds for a new row and for any network, as long as the new row and these are
exchangeable: drawn in the same way, in any order. All rows count equally, whatever their weight.
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

FLOOR = 1.0  # times the median of the members' spread; lower floors gave wider bounds than no spread
ROUNDING = 1e-9  # relative widening of a quantile, so that the row that it comes from stays inside
BEYOND = 1e300  # scaled; it is inverted to the end of the range of predictions


@dataclass(frozen=True)
class Interval:
    """Bounds of a regression: the prediction, and on either side a quantile times the members' spread.

    Distances are in scaled units: for a target scaled by a logarithm they are factors.
    """

    coverage: float
    quantiles: tuple[float, ...]  # by target, in scaled units or multiples of the spread
    floors: tuple[float, ...] | None  # floor of the spread by target, in scaled units; None without members
    n_rows: int  # that they were measured on

    def bounds(self, ops: Ops, scaler: OutputScaler, columns: Sequence[Any]) -> list[list[Any]]:
        """Predictions, lower and upper bounds, columns `(n_rows,)` by target in original units.

        Args:
            ops: The operations to use.
            scaler: The targets' scaler.
            columns: The network's outputs `(n_rows,)`: scaled predictions and, for members, the spread of each.
        """
        predictions = scaler.invert_with(ops, columns[: len(scaler.chains)])
        free, found = scaler.beyond_range(), [predictions]
        for nearest, ends in zip((ops.minimum, ops.maximum), self.ends(ops, scaler, columns), strict=True):
            # Beyond the targets' range the inverse is flat, and rounds.
            found.append([nearest(*pair) for pair in zip(free.invert_with(ops, ends), predictions, strict=True)])
        return found

    def ends(self, ops: Ops, scaler: OutputScaler, columns: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Lower and upper bounds in scaled units.

        Args:
            ops: The operations to use.
            scaler: The targets' scaler.
            columns: The network's outputs `(n_rows,)`, as for `bounds`.
        """
        centers = scaler.within_range(ops, columns[: len(scaler.chains)])
        spreads = spreads_of(ops, self.floors, columns)
        widths = [spread * quantile for spread, quantile in zip(spreads, self.quantiles, strict=True)]
        pairs = list(zip(centers, widths, strict=True))
        return [center - width for center, width in pairs], [center + width for center, width in pairs]


@dataclass(frozen=True)
class PredictionSet:
    """The labels whose probability is high enough: LAC, least ambiguous sets (Sadinle, Lei and Wasserman 2019).

    Of all sets with the same coverage they are the smallest on average. They need no random draw, and an export only
    needs a comparison. Adaptive sets (Romano, Sesia and Candès 2020) without their random part always contain the most
    probable label, so their coverage is at least the accuracy, however low the requested one. If the accuracy is higher
    than the requested coverage, some sets here are empty: those of the least clear rows.
    """

    coverage: float
    level: float  # lowest probability of a label in the set
    n_rows: int  # that it was measured on

    def of(self, probabilities: Any) -> Any:
        """Which labels are in the set, `(n_rows, n_classes)` bool."""
        return probabilities >= self.level


def spreads_of(ops: Ops, floors: Sequence[float] | None, columns: Sequence[Any]) -> list[Any]:
    """The unit of distances by target: the members' spread with a floor; 1 without members.

    Args:
        ops: The operations to use.
        floors: Floor of each target; None without members.
        columns: The network's outputs `(n_rows,)`.
    """
    if floors is None:
        return [1.0] * len(columns)
    return [ops.maximum(spread, floor) for spread, floor in zip(columns[-len(floors) :], floors, strict=True)]


def floors_of(outputs: np.ndarray, n_targets: int) -> tuple[float, ...] | None:
    """Floors of the spread, from rows that do not calibrate; None if the outputs have no spread.

    Args:
        outputs: Outputs of the network, `(n_rows, n)`.
        n_targets: Number of targets, which are the first outputs.
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
        coverage: Requested coverage of each target by itself.
        target: Targets of the calibration rows.
        outputs: Outputs of the network for them, `(n_rows, n)`.
        scaler: The targets' scaler.
        floors: Floors of the spread.

    Raises:
        TrainingError: Too many targets are outside the range of predictions.
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
            "data.output_scaling cannot predict; set data.output_scaling=standard"
        )
    return Interval(coverage, tuple(quantiles), floors, len(outputs))


def prediction_set_of(coverage: float, target: Target, probabilities: np.ndarray) -> PredictionSet:
    """Calibrates sets of labels.

    Args:
        coverage: Requested coverage of the true label.
        target: Targets of the calibration rows.
        probabilities: Probabilities from the model for them, `(n_rows, n_classes)`.
    """
    own = probabilities[np.arange(len(probabilities)), target.values[:, 0]]
    return PredictionSet(coverage, -quantile(-own, coverage), len(own))


def quantile(scores: np.ndarray, coverage: float) -> float:
    """The finite-sample quantile: the `ceil((n + 1) coverage)`-th smallest of n scores.

    Args:
        scores: `(n_rows,)`, at least `Calibration.fewest` scores.
        coverage: Above 0 and below 1.
    """
    return float(np.sort(scores)[rank(len(scores), coverage) - 1])


def rank(n_rows: int, coverage: float) -> int:
    """The quantile's rank among `n_rows` scores, from 1 in ascending order.

    Args:
        n_rows: Number of scores.
        coverage: Above 0 and below 1.
    """
    return rounded_up((n_rows + 1) * coverage)


def range_of_coverage(n_rows: int, coverage: float, level: float, n_test: int | None = None) -> tuple[float, float]:
    """The range of coverage over draws of the calibration rows (Vovk 2012, proposition 2a).

    The coverage of all new rows is distributed as Beta(k, n + 1 - k), with k the rank of the quantile; that of a number
    of test rows has the Beta-binomial distribution.

    Args:
        n_rows: Number of calibration rows.
        coverage: Requested coverage.
        level: Share of draws in the range, such as 0.99.
        n_test: Number of test rows that it is measured on; None for all new rows.

    Returns:
        The ends of the range.
    """
    from scipy import stats  # late: takes some tenths of a second, and only the card needs it

    k, ends = rank(n_rows, coverage), ((1 - level) / 2, (1 + level) / 2)
    if n_test is None:
        low, high = stats.beta(k, n_rows + 1 - k).ppf(ends)
    else:
        low, high = stats.betabinom(n_test, k, n_rows + 1 - k).ppf(ends) / n_test
    return float(low), float(high)
