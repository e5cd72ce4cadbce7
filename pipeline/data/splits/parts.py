"""The three parts that every split has."""

from dataclasses import dataclass

import numpy as np

NAMES = ("train", "val", "test")


@dataclass(frozen=True)
class Splits:
    """Row numbers, `(n,)` int64 each, that have no row in common."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def parts(self) -> dict[str, np.ndarray]:
        """Row numbers by the name of the part."""
        return {name: getattr(self, name) for name in NAMES}
