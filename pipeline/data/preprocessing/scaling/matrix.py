"""Scaler: shift and scale of each column of a matrix, such as the pixels of images, all columns at once."""

from dataclasses import dataclass

import numpy as np

from pipeline.config.rules import FixedScaling
from pipeline.data.preprocessing.scaling.statistics import STATISTICS, given, shift_and_scale
from pipeline.errors import DataError


@dataclass(frozen=True)
class Scaler:
    """`scaled = (raw - shift) / scale`, by column.

    Both are float64, so that columns such as Unix timestamps, whose deviation is small relative to their mean, keep
    their digits.
    """

    shift: np.ndarray  # (n_columns,) float64, in the column's own unit
    scale: np.ndarray  # (n_columns,) float64, above 0, in the column's own unit

    @classmethod
    def fit(cls, raw: np.ndarray, scaling: str | FixedScaling, key: str) -> "Scaler":
        """Fits shift and scale.

        Args:
            raw: `(n_rows, n_columns)`, training rows only.
            scaling: `none`, `standard`, `minmax`, `robust`, or given values.
            key: Configuration key, for messages.

        Raises:
            DataError: There are neither one value nor one for each column; or the scaling is not a straight line.
        """
        n_columns = raw.shape[1]
        if isinstance(scaling, FixedScaling):
            return cls(*given(scaling, n_columns, key))
        if scaling not in STATISTICS:
            names = ", ".join(STATISTICS)
            raise DataError(f"{key}: {scaling} is for columns with names; an array takes {names} or fixed values")
        found = [shift_and_scale(raw[:, column].astype(np.float64), scaling) for column in range(n_columns)]
        shift, scale = np.array(found, dtype=np.float64).reshape(n_columns, 2).T
        return cls(shift, scale)
