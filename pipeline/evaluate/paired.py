"""Paired comparison of two models: whether they differ by more than the noise of the rows they are scored on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.config.scores import percent

CLEAR = 2.0  # standard errors that a difference must exceed to be more than noise


@dataclass(frozen=True)
class Difference:
    """Difference between two models on the validation rows, in RMSE or log loss."""

    score: str  # val_rmse or val_log_loss
    own: float
    other: float
    error: float  # standard error of own - other, over the rows

    @property
    def ahead(self) -> float:
        """Lead of the model over the other; positive if it is better."""
        return self.other - self.own

    @property
    def is_clear(self) -> bool:
        """Whether the difference exceeds the noise of the rows."""
        return abs(self.ahead) > CLEAR * self.error

    @property
    def text(self) -> str:
        """A sentence such as `0.4 % better in val_rmse, within noise of the validation rows`."""
        share = percent(self.ahead / self.other if self.other else 0.0)
        way = "better" if self.ahead >= 0 else "worse"
        noise = "beyond noise" if self.is_clear else "within noise"
        return f"{share} {way} in {self.score}, {noise} of the validation rows"


def of_squares(truth: np.ndarray, own: np.ndarray, other: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Returns each row's contribution to the difference in RMSE, (a² - b²) / (a + b) = a - b, averaged over targets.

    Args:
        truth: `(n_rows, n_targets)`.
        own: Predictions of the model, of the same shape.
        other: Predictions of the other model, of the same shape.
        weight: `(n_rows,)`, or None.

    Returns:
        `(n_rows,)`
    """
    squares = [np.square(given - truth) for given in (own, other)]
    sums = np.sum([np.sqrt(np.average(of_rows, axis=0, weights=weight)) for of_rows in squares], axis=0)
    found: np.ndarray = ((squares[0] - squares[1]) / np.where(sums > 0, sums, 1)).mean(axis=1)
    return found


def of_logarithms(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns each row's contribution to the difference in log loss, clipped as in scikit-learn.

    Args:
        own: `(n_rows,)`, probabilities that the model gives to the true classes.
        other: `(n_rows,)`, those of the other model.
    """
    smallest = np.finfo(own.dtype).eps
    own, other = (np.log(np.clip(given, smallest, 1 - smallest)) for given in (own, other))
    return other - own


def standard_error(per_row: np.ndarray, weight: np.ndarray | None) -> float:
    """Returns the standard error of a weighted mean over rows.

    Args:
        per_row: `(n_rows,)`, contributions of the rows.
        weight: `(n_rows,)`, or None.
    """
    shares = np.full(len(per_row), 1 / len(per_row)) if weight is None else weight / weight.sum()
    mean = float(shares @ per_row)
    return float(np.sqrt(np.square(shares * (per_row - mean)).sum()))
