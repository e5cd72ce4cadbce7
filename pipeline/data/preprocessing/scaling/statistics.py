"""Shift and scale of a column: from statistics, or as the user gives them."""

from collections.abc import Callable

import numpy as np

from pipeline.config.rules import FixedScaling
from pipeline.errors import DataError

# Bound of a scale. TensorFlow flushes numbers below 2e-308 to 0, and so differences and the reciprocals it divides by.
NARROWEST, BROADEST = 1e-302, 4e307
MANY_ROWS = 10_000  # from this size on, ordering all rows takes much longer than a sample
WIDEST = 5e307  # on either side of 0: the difference of two such numbers fits float64


def shift_and_scale(column: np.ndarray, scaling: str) -> tuple[float, float]:
    """Shift, and scale above NARROWEST, of a float64 column `(n_rows,)`.

    A column with one value, or nearly so, gets its value as shift and 1 as scale: it becomes 0. If at least half of a
    column's values are equal, so that its interquartile range is 0, `robust` uses the standard deviation instead.

    Args:
        column: Training rows.
        scaling: A name in STATISTICS.
    """
    if not np.isfinite(_range(column)[1]):
        column = np.clip(column, -WIDEST, WIDEST)
    shift, scale = STATISTICS[scaling](column)
    return shift, min(scale, BROADEST) if scale > NARROWEST else 1.0


def median(column: np.ndarray) -> float:
    """The median of a float64 column `(n_rows,)`.

    In a long column, only rows between two values are ordered, which a sample places on either side of the median.
    """
    middle = [(len(column) - 1) // 2, len(column) // 2]
    if len(column) > MANY_ROWS:
        sample = np.sort(column[:: len(column) // MANY_ROWS])
        low, high = sample[len(sample) * 48 // 100], sample[len(sample) * 52 // 100]
        below = int(np.count_nonzero(column < low))
        inside = column[(column >= low) & (column <= high)]
        if below <= middle[0] and middle[1] < below + len(inside):
            column, middle = inside, [rank - below for rank in middle]
    either = np.clip(np.partition(column, middle)[middle], -WIDEST, WIDEST)  # their mean does not overflow
    return float(either.mean())


def given(scaling: FixedScaling, n_columns: int, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale of each column, `(n_columns,)` each.

    Args:
        scaling: Shift and scale, one for all columns or one for each.
        n_columns: Number of columns.
        key: Configuration key, for messages.

    Raises:
        DataError: The number of values is neither one nor that of the columns.
    """
    return _for_each(scaling.shift, n_columns, f"{key}.shift"), _for_each(scaling.scale, n_columns, f"{key}.scale")


def _for_each(value: float | list[float], n_columns: int, key: str) -> np.ndarray:
    if isinstance(value, list) and len(value) != n_columns:
        raise DataError(f"{key}: {len(value)} values for {n_columns} columns; give one for all columns or one for each")
    return np.broadcast_to(np.asarray(value, np.float64), n_columns).copy()


def _standard(column: np.ndarray) -> tuple[float, float]:
    low, width = _range(column)
    if width == 0:
        return low, 1.0
    unit = (column - low) / width  # in 0 to 1: no square overflows, no digits of the mean cancel
    return low + width * float(unit.mean()), width * float(unit.std()) or width


def _minmax(column: np.ndarray) -> tuple[float, float]:
    low, width = _range(column)
    return low, width or 1.0


def _robust(column: np.ndarray) -> tuple[float, float]:
    quarter, median, three_quarters = np.quantile(column, [0.25, 0.5, 0.75])
    return float(median), float(three_quarters - quarter) or _standard(column)[1]


def _range(column: np.ndarray) -> tuple[float, float]:
    low = float(column.min())
    return low, float(column.max()) - low


STATISTICS: dict[str, Callable[[np.ndarray], tuple[float, float]]] = {
    "none": lambda column: (0.0, 1.0),
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
}
