"""Combines equal chains of transforms into one that scales columns side by side, with vectors in place of numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pipeline.data.ops import Ops
from pipeline.data.preprocessing.scaling.composed_transform import ComposedTransform
from pipeline.data.preprocessing.scaling.transforms import Quantile, Transform, YeoJohnson


def kind_of(chain: ComposedTransform) -> Hashable:
    """Equal for transforms that can be combined."""
    return tuple((type(step), step.has_logarithms if isinstance(step, YeoJohnson) else None) for step in chain.steps)


def side_by_side(chains: Sequence[ComposedTransform]) -> ComposedTransform:
    """A transform of `(n_rows, n_columns)` that combines one of each column, all of one kind; it has no inverse."""
    return ComposedTransform(tuple(_together(steps) for steps in zip(*(chain.steps for chain in chains), strict=True)))


@dataclass(frozen=True)
class Quantiles:
    """`Quantile` of several columns."""

    each: tuple[Quantile, ...]

    def apply(self, ops: Ops, x: Any) -> Any:
        """From the columns' own units to the normal distribution."""
        return ops.interpolate_columns(x, [step.xs for step in self.each], [step.ys for step in self.each])

    def invert(self, ops: Ops, z: Any) -> Any:
        """Back to the columns' own units."""
        return ops.interpolate_columns(z, [step.ys for step in self.each], [step.xs for step in self.each])


def _together(steps: Sequence[Any]) -> Transform:
    if isinstance(steps[0], Quantile):
        return Quantiles(tuple(steps))
    vectors: Any = {field.name: np.array([getattr(step, field.name) for step in steps]) for field in fields(steps[0])}
    together: Transform = replace(steps[0], **vectors)
    return together
