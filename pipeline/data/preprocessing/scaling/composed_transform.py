"""ComposedTransform: the transforms of one column, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data.ops import Ops
from pipeline.data.preprocessing.scaling.transforms import Affine, Between, Clip, Transform

HIGHEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class ComposedTransform:
    """Transforms of one column from raw to scaled values, and back.

    `invert` is bounded in the column's own unit, so that it is finite for every finite number that a network returns. A
    straight line is bounded only by the range of float64. A curve turns a slightly large output into an absurd
    prediction, so it is bounded by the training range, widened on each side by its own width.
    """

    steps: tuple[Transform, ...]
    lowest: float = -HIGHEST  # bound of what `invert` returns
    highest: float = HIGHEST

    @property
    def is_affine(self) -> bool:
        """Whether it is a shift and a scale, apart from bounds."""
        return all(isinstance(step, Affine | Clip) for step in self.steps)

    @property
    def is_flat(self) -> bool:
        """Whether every value becomes 0."""
        last = self.steps[-1]
        return isinstance(last, Clip) and last.bound == 0

    @property
    def is_zero_one(self) -> bool:
        """Whether it maps two values to 0 and 1."""
        return isinstance(self.steps[-1], Between)

    def apply(self, ops: Ops, x: Any) -> Any:
        """Scales a float64 column `(n_rows,)`."""
        with np.errstate(over="ignore"):  # the last step bounds what overflows; numpy warns, TensorFlow does not
            for step in self.steps:
                x = step.apply(ops, x)
        return x

    def invert(self, ops: Ops, z: Any) -> Any:
        """Brings a scaled float64 column `(n_rows,)` back to its own unit."""
        return ops.minimum(ops.maximum(self._unbounded(ops, z), self.lowest), self.highest)

    def is_beyond(self, ops: Ops, z: Any) -> Any:
        """Whether `invert` sets the number to the lower or upper bound."""
        raw = self._unbounded(ops, z)
        return (raw < self.lowest) | (raw > self.highest)

    def _unbounded(self, ops: Ops, z: Any) -> Any:
        with np.errstate(over="ignore"):
            for step in reversed(self.steps):
                z = step.invert(ops, z)
        return z
