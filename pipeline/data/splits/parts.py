"""The three parts that every split has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.errors import DataError

NAMES = ("train", "val", "test")


@dataclass(frozen=True)
class Splits:
    """Row numbers of each part, `(n,)` int64 each; no row is in two parts."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    calibration: np.ndarray = field(default_factory=lambda: np.array([], np.int64))  # in none of the parts
    # (n_rows,) int64, the unit in which validation rows were drawn: the number of a row's group, or its own; None if
    # they were not drawn at random, so that no other rows could take their place.
    groups: np.ndarray | None = None

    def parts(self) -> dict[str, np.ndarray]:
        """Row numbers by the name of the part."""
        return {name: getattr(self, name) for name in NAMES}


def require_rows(n_rows: Mapping[str, int], weights: Mapping[str, float]) -> None:
    """Raises DataError if a part is empty, or the weights of its rows are all 0.

    Args:
        n_rows: Number of rows by part.
        weights: Sum of weights by part; empty if rows have no weights.
    """
    empty = [part for part, n in n_rows.items() if not n]
    if empty:
        raise DataError(f"data.split: no rows are left for {' and '.join(empty)}; use more rows or larger fractions")
    weightless = [part for part, weight in weights.items() if not weight]
    if weightless:
        raise DataError(
            f"data.sample_weight: every weight of the {' and '.join(weightless)} rows is 0; give some of them a weight "
            "above 0, or use another data.split.seed"
        )
