"""The three parts that every split has."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Splits:
    """Row numbers, `(n,)` int64 each, that have no row in common."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def parts(self) -> dict[str, np.ndarray]:
        """Row numbers by the name of the part."""
        return {"train": self.train, "val": self.val, "test": self.test}
