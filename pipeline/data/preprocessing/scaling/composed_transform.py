"""Chain: the transforms of one column, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data.ops import Ops
from pipeline.data.preprocessing.scaling.transforms import Affine, Between, Clip, Transform

HIGHEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class ComposedTransform:
    """Transforms of one column from raw to scaled, and back.

    What `invert` returns is bounded in the column's own unit, so that it is finite for every finite number, whatever a
    network says. A straight line is bounded by what float64 holds and nothing else. Curves, which turn a slightly
    large output into an absurd prediction, keep to the training range widened by its own width on each side.
    """

    steps: tuple[Transform, ...]
    lowest: float = -HIGHEST  # that `invert` returns
    highest: float = HIGHEST

    @property
    def is_affine(self) -> bool:
        """Whether it is a shift and a scale, and bounds at most."""
        return all(isinstance(step, Affine | Clip) for step in self.steps)

    @property
    def is_flat(self) -> bool:
        """Whether every value becomes 0."""
        last = self.steps[-1]
        return isinstance(last, Clip) and last.bound == 0

    @property
    def is_zero_one(self) -> bool:
        """Whether it is that of two values, which become 0 and 1."""
        return isinstance(self.steps[-1], Between)

    def apply(self, ops: Ops, x: Any) -> Any:
        """Scales a float64 column `(n_rows,)`."""
        with np.errstate(over="ignore"):  # what overflows is bounded by the last step; numpy warns, TensorFlow does not
            for step in self.steps:
                x = step.apply(ops, x)
        return x

    def invert(self, ops: Ops, z: Any) -> Any:
        """Brings a scaled float64 column `(n_rows,)` back to its own unit."""
        return ops.minimum(ops.maximum(self._unbounded(ops, z), self.lowest), self.highest)

    def is_beyond(self, ops: Ops, z: Any) -> Any:
        """Whether `invert` sets the number to the lowest or the highest there is."""
        raw = self._unbounded(ops, z)
        return (raw < self.lowest) | (raw > self.highest)

    def _unbounded(self, ops: Ops, z: Any) -> Any:
        with np.errstate(over="ignore"):
            for step in reversed(self.steps):
                z = step.invert(ops, z)
        return z
