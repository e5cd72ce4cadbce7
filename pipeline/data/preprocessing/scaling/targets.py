"""OutputScaler: the transforms of a regression's targets, one for each, and the original units per scaled unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from pipeline.config.rules import FixedScaling
from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.preprocessing.scaling.composed_transform import HIGHEST, ComposedTransform
from pipeline.data.preprocessing.scaling.fitting import fit_scaling, fixed_scaling
from pipeline.data.preprocessing.scaling.statistics import shift_and_scale
from pipeline.data.preprocessing.scaling.transforms import Affine

CONDITION = 30.0  # of an inverse in float32, in which a network computes


@dataclass(frozen=True)
class OutputScaler:
    """One fitted transform for each target.

    Scaled targets rounded to float32 are inverted to about 1e-6 of their range. Only logarithms of numbers that span
    hundreds of powers of ten are less exact: to 1e-7 times the largest logarithm.
    """

    chains: tuple[ComposedTransform, ...]
    units_per_scaled: np.ndarray  # (n_outputs,) float64, above 0: original units per scaled unit
    keeps_range: bool = False  # whether `invert` stays within the training targets' range

    @classmethod
    def fit(
        cls, raw: np.ndarray, scaling: str | FixedScaling, key: str, clip: Literal["none", "range"] = "none"
    ) -> OutputScaler:
        """Fits the transforms.

        `units_per_scaled` is exact for a straight line. Along a curve it changes; then it is the training targets'
        interquartile range divided by that of the scaled targets, and metrics that use it are approximate.

        Args:
            raw: `(n_rows, n_outputs)`, training rows only.
            scaling: A name of `NamedScaling`, or given values.
            key: Configuration key, for messages.
            clip: `range` bounds what `invert` returns by the rows' range.

        Raises:
            DataError: The number of given values is neither one nor that of the targets; or there are no rows.
        """
        columns = list(raw.astype(np.float64).T)
        if isinstance(scaling, FixedScaling):
            chains = fixed_scaling(scaling, len(columns), key)
        else:
            chains = [fit_scaling(column, scaling, key, condition=CONDITION) for column in columns]
        worth = [_units_per_scaled(chain, column) for chain, column in zip(chains, columns, strict=True)]
        scaler = cls(tuple(chains), np.array(worth))
        if clip == "none":
            return scaler
        return scaler.within([(float(column.min()), float(column.max())) for column in columns])

    def within(self, ranges: Sequence[tuple[float, float]]) -> OutputScaler:
        """The same scaler, but `invert` stays within a range for each target.

        Args:
            ranges: Lowest and highest value of each target.
        """
        bounded = [
            replace(chain, lowest=low, highest=high) for chain, (low, high) in zip(self.chains, ranges, strict=True)
        ]
        return replace(self, chains=tuple(bounded), keeps_range=True)

    def beyond_range(self) -> OutputScaler:
        """The same scaler, but `invert` may leave the range by its own width on either side, if it was bounded."""
        if not self.keeps_range:
            return self
        widths = [chain.highest - chain.lowest for chain in self.chains]
        chains = [
            replace(chain, lowest=chain.lowest - width, highest=chain.highest + width)
            for chain, width in zip(self.chains, widths, strict=True)
        ]
        return replace(self, chains=tuple(chains), keeps_range=False)

    def within_range(self, ops: Ops, scaled_columns: Sequence[Any]) -> list[Any]:
        """Bounds scaled columns, `(n_rows,)` each, by the range of `invert`; unchanged if it has none."""
        if not self.keeps_range:
            return list(scaled_columns)
        ends = [chain.apply(NumpyOps(), np.array([chain.lowest, chain.highest])).tolist() for chain in self.chains]
        return [
            ops.minimum(ops.maximum(column, low), high)
            for column, (low, high) in zip(scaled_columns, ends, strict=True)
        ]

    @property
    def is_affine(self) -> bool:
        """Whether every transform is a shift and a scale, so that `units_per_scaled` is exact."""
        return all(chain.is_affine for chain in self.chains)

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Scales `(n_rows, n_outputs)` to float32."""
        scaled = np.empty(raw.shape, np.float32)
        for number, chain in enumerate(self.chains):
            scaled[:, number] = chain.apply(NumpyOps(), raw[:, number].astype(np.float64))
        return scaled

    def invert(self, scaled: np.ndarray) -> np.ndarray:
        """Converts `(n_rows, n_outputs)` back to the targets' own units, float64; finite for all finite numbers."""
        return np.stack(self.invert_with(NumpyOps(), list(scaled.astype(np.float64).T)), axis=1)

    def n_beyond(self, scaled: np.ndarray) -> int:
        """How many of `(n_rows, n_outputs)` numbers `invert` sets to an end of their target's range."""
        columns = zip(self.chains, scaled.astype(np.float64).T, strict=True)
        return sum(int(chain.is_beyond(NumpyOps(), column).sum()) for chain, column in columns)

    def invert_with(self, ops: Ops, scaled_columns: Iterable[Any]) -> list[Any]:
        """Converts scaled float64 columns, `(n_rows,)` each, back to the targets' own units."""
        return [chain.invert(ops, column) for chain, column in zip(self.chains, scaled_columns, strict=True)]


def _units_per_scaled(chain: ComposedTransform, column: np.ndarray) -> float:
    first = chain.steps[0]
    if isinstance(first, Affine):
        return first.scale
    raw, scaled = (shift_and_scale(values, "robust")[1] for values in (column, chain.apply(NumpyOps(), column)))
    return min(raw / scaled, HIGHEST)
