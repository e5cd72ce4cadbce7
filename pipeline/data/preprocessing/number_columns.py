"""Columns of numbers: gaps are imputed, then values are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, FixedScaling, Imputation, Kind
from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.preprocessing.scaling import ComposedTransform, fit_scaling, flat, zero_one
from pipeline.data.preprocessing.scaling.statistics import median, shift_and_scale


@dataclass(frozen=True)
class Number:
    """A quantity: gaps filled, then scaled; if asked for, a further input that says where the gaps were."""

    column: str
    fill: float
    indicator: bool
    scaling: ComposedTransform

    @property
    def names(self) -> tuple[str, ...]:
        """Its own, and that of the indicator."""
        return (self.column, f"{self.column} is missing") if self.indicator else (self.column,)

    @property
    def quantities(self) -> tuple[int, ...]:
        """The number itself, unless it has one value in all training rows, or two that became 0 and 1."""
        return () if self.scaling.is_flat or self.scaling.is_zero_one else (0,)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Scaled values, and 1 for gaps."""
        gap = ops.isnan(x)
        scaled = self.scaling.apply(ops, ops.where(gap, self.fill, x))
        return [scaled, ops.number(gap)] if self.indicator else [scaled]


def imputation_of(column: str, kind: Kind, config: Data) -> Imputation:
    """How gaps of the column are filled; a truth value has no mean, unless it is asked for by name."""
    return config.impute.by_column.get(column, "most_frequent" if kind == "boolean" else config.impute.default)


def fit_number(column: str, values: np.ndarray, kind: Kind, config: Data, given: ComposedTransform | None) -> Number:
    """Learns fill and scaling of the training rows' numbers; a scaling may be given."""
    gaps = np.isnan(values)
    has_gaps = bool(gaps.any())
    there = values[~gaps] if has_gaps else values
    is_empty = not len(there)
    if is_empty:
        there = np.zeros(1)
    way = imputation_of(column, kind, config)
    filled = {
        "median": lambda: median(there),
        "mean": lambda: shift_and_scale(there, "standard")[0],
        "most_frequent": lambda: float(pd.Series(there).mode().iloc[0]),
        "constant": lambda: config.impute_constant,
    }[way]()
    whole = np.where(gaps, filled, values) if has_gaps else values
    if whole.min() == whole.max():
        given = flat(filled)
    elif becomes_zero_one(column, config) and len(pd.unique(there)) == 2:
        given = zero_one(float(there.min()), float(there.max()), config.clip)
    elif given is None:
        given = fit_scaling(whole, str(config.input_scaling.of(column)), "data.input_scaling", config.clip)
    chain = unless_narrow(given, filled, (float(whole.min()), float(whole.max())), config)
    return Number(column, filled, config.missing_indicator and has_gaps and not is_empty, chain)


def becomes_zero_one(column: str, config: Data) -> bool:
    """Whether the column becomes 0 and 1 where it has two values: not if the config says how it is scaled."""
    said = column in config.input_scaling.by_column or isinstance(config.input_scaling.default, FixedScaling)
    return config.two_valued == "zero_one" and not said


def unless_narrow(chain: ComposedTransform, fill: float, ends: tuple[float, float], config: Data) -> ComposedTransform:
    """The chain, or that of an input without weight where training rows are spread less than data.narrowest_range.

    Args:
        chain: As it was fitted.
        fill: Of gaps.
        ends: Lowest and highest value, gaps filled.
        config: The data section.
    """
    low, high = chain.apply(NumpyOps(), np.array(ends))
    return flat(fill) if high - low < config.narrowest_range else chain
