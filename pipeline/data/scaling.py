"""Scaler: shift and scale of each column, fitted on training rows, applied and inverted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.config.rules import FixedScaling
from pipeline.errors import DataError

BLOCK_ROWS = 8192  # rows in float64 at a time, so that a large table is never held twice


@dataclass(frozen=True)
class Scaler:
    """`scaled = (raw - shift) / scale`, by column.

    Statistics and arithmetic are float64, so that columns such as Unix timestamps, whose deviation is small beside
    their mean, keep their digits; only the scaled values are rounded to float32.
    """

    shift: np.ndarray  # (n_columns,) float64, in the column's own unit
    scale: np.ndarray  # (n_columns,) float64, above 0, in the column's own unit

    @classmethod
    def fit(cls, raw: np.ndarray, scaling: str | FixedScaling, key: str) -> "Scaler":
        """Finds shift and scale.

        A column with one value gets its value as shift and 1 as scale: it becomes 0. Where half of a column's values
        or more are the same, so that its interquartile range is 0, `robust` takes the standard deviation instead.

        Args:
            raw: `(n_rows, n_columns)`, training rows only.
            scaling: `none`, `standard`, `minmax`, `robust`, or given values.
            key: Configuration key that an error names.

        Raises:
            DataError: The given values are not one, nor one per column.
        """
        n_columns = raw.shape[1]
        if isinstance(scaling, FixedScaling):
            return cls(
                _given(scaling.shift, n_columns, f"{key}.shift"), _given(scaling.scale, n_columns, f"{key}.scale")
            )
        statistics = [STATISTICS[scaling](raw[:, column].astype(np.float64)) for column in range(n_columns)]
        shift, scale = np.array(statistics, dtype=np.float64).reshape(n_columns, 2).T
        return cls(shift, scale)

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Scales `(n_rows, n_columns)` to float32."""
        scaled = np.empty(raw.shape, np.float32)
        for start in range(0, len(raw), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            scaled[rows] = (raw[rows].astype(np.float64) - self.shift) / self.scale
        return scaled

    def invert(self, scaled: np.ndarray) -> np.ndarray:
        """Brings `(n_rows, n_columns)` back to the columns' own units, float64."""
        return scaled.astype(np.float64) * self.scale + self.shift


def _standard(column: np.ndarray) -> tuple[float, float]:
    low, width = _range(column)
    if width == 0:
        return low, 1.0
    unit = (column - low) / width  # in 0 to 1: no square overflows, no digits of the mean cancel
    return low + width * float(unit.mean()), width * float(unit.std())


def _minmax(column: np.ndarray) -> tuple[float, float]:
    low, width = _range(column)
    return low, width or 1.0


def _robust(column: np.ndarray) -> tuple[float, float]:
    quarter, median, three_quarters = np.quantile(column, [0.25, 0.5, 0.75])
    return float(median), float(three_quarters - quarter) or _standard(column)[1]


def _range(column: np.ndarray) -> tuple[float, float]:
    return float(column.min()), float(column.max() - column.min())


def _given(value: float | list[float], n_columns: int, key: str) -> np.ndarray:
    if isinstance(value, list) and len(value) != n_columns:
        raise DataError(f"{key}: {len(value)} values for {n_columns} columns; give one for all or one for each")
    return np.broadcast_to(np.asarray(value, np.float64), n_columns).copy()


STATISTICS: dict[str, Callable[[np.ndarray], tuple[float, float]]] = {
    "none": lambda column: (0.0, 1.0),
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
}
