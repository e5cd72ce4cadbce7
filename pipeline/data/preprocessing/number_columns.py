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
    """A quantity: gaps filled, then scaled; on request, another input marks the gaps."""

    column: str
    fill: float
    indicator: bool
    scaling: ComposedTransform

    @property
    def names(self) -> tuple[str, ...]:
        """The column's name, and that of the gap indicator."""
        return (self.column, f"{self.column} is missing") if self.indicator else (self.column,)

    @property
    def quantities(self) -> tuple[int, ...]:
        """The number's position, unless training rows have one value, or two values that became 0 and 1."""
        return () if self.scaling.is_flat or self.scaling.is_zero_one else (0,)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Scaled values, and the gap indicator."""
        gap = ops.isnan(x)
        scaled = self.scaling.apply(ops, ops.where(gap, self.fill, x))
        return [scaled, ops.number(gap)] if self.indicator else [scaled]


def imputation_of(column: str, kind: Kind, config: Data) -> Imputation:
    """How gaps of the column are filled; booleans have no mean, unless the config requests it by name.

    Args:
        column: The column's name.
        kind: Its kind.
        config: The data section.
    """
    return config.impute.by_column.get(column, "most_frequent" if kind == "boolean" else config.impute.default)


def fit_number(column: str, values: np.ndarray, kind: Kind, config: Data, given: ComposedTransform | None) -> Number:
    """Fits the fill value and the scaling on the training rows' numbers.

    Args:
        column: The column's name.
        values: Its training rows, NaN for gaps.
        kind: Its kind.
        config: The data section.
        given: A scaling from the config; None fits one.
    """
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
    """Whether a column with two values becomes 0 and 1: not if the config sets its scaling.

    Args:
        column: Name of the column.
        config: The data section.
    """
    said = column in config.input_scaling.by_column or isinstance(config.input_scaling.default, FixedScaling)
    return config.two_valued == "zero_one" and not said


def unless_narrow(chain: ComposedTransform, fill: float, ends: tuple[float, float], config: Data) -> ComposedTransform:
    """The scaling, or that of a constant input if training rows span less than data.narrowest_range.

    Args:
        chain: The fitted scaling.
        fill: Value of gaps.
        ends: Lowest and highest value, gaps filled.
        config: The data section.
    """
    low, high = chain.apply(NumpyOps(), np.array(ends))
    return flat(fill) if high - low < config.narrowest_range else chain
