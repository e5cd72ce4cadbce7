"""Columns of numbers: gaps are imputed, then values are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, Imputation, Kind
from pipeline.data.ops import Ops
from pipeline.data.preprocessing.scaling import Chain, fit_scaling, flat
from pipeline.data.preprocessing.scaling.statistics import median, shift_and_scale


@dataclass(frozen=True)
class Number:
    """A quantity: gaps filled, then scaled; if asked for, a further input that says where the gaps were."""

    column: str
    fill: float
    indicator: bool
    scaling: Chain

    @property
    def names(self) -> tuple[str, ...]:
        """Its own, and that of the indicator."""
        return (self.column, f"{self.column} is missing") if self.indicator else (self.column,)

    @property
    def quantities(self) -> tuple[int, ...]:
        """The number itself, unless it has one value in all training rows."""
        return () if self.scaling.is_flat else (0,)

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Scaled values, and 1 for gaps."""
        gap = ops.isnan(x)
        scaled = self.scaling.apply(ops, ops.where(gap, self.fill, x))
        return [scaled, ops.number(gap)] if self.indicator else [scaled]


def imputation_of(column: str, kind: Kind, config: Data) -> Imputation:
    """How gaps of the column are filled; a truth value has no mean, unless it is asked for by name."""
    return config.imputes.get(column, "most_frequent" if kind == "boolean" else config.impute)


def fit_number(column: str, values: np.ndarray, kind: Kind, config: Data, given: Chain | None) -> Number:
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
    elif given is None or column in config.input_scalings:
        scaling = str(config.input_scalings.get(column, config.input_scaling))
        given = fit_scaling(whole, scaling, "data.input_scaling", config.clip)
    return Number(column, filled, config.missing_indicator and has_gaps and not is_empty, given)
