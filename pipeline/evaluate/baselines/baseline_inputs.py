"""Inputs of the baselines, from raw columns and the kinds that the data stage infers.

They do not depend on how a network's inputs are scaled and encoded: runs that differ in that share baselines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.config.rules import Data, Encodings, Imputations, InputScalings
from pipeline.data import RawColumn, Rows, TextArray, fit_preprocessing
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.category_columns import Embedded, Ordinal
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature
from pipeline.data.preprocessing.network_inputs import TableInputs
from pipeline.data.reading.dates import days_of, weekday

Columns = Mapping[str, RawColumn]
Matrix = Callable[[Columns], np.ndarray]  # returns (n_rows, n_inputs) float64

MAX_NATIVE = 255  # categories at most in scikit-learn's boosting; rare, missing and unseen ones share the last
PLAIN: dict[str, Any] = {
    "category_encoding": Encodings(default="one_hot", by_column={}), "max_categories": 100,
    "impute": Imputations(default="median", by_column={}), "missing_indicator": True,
    "input_scaling": InputScalings(default="standard", by_column={}), "clip": None,
    "narrowest_range": 0.0, "ordered_numbers": "number", "two_valued": "as_is",
    "output_scaling": "standard", "output_clip": "none",
}  # fmt: skip
BY_NUMBER = PLAIN | {
    "category_encoding": Encodings(default="embedding", by_column={}), "max_categories": MAX_NATIVE - 1
}  # fmt: skip


@dataclass(frozen=True)
class Raws:
    """Inputs for trees, and which of them are categories."""

    matrix: Matrix
    is_category: list[bool]  # of each column of the matrix


def for_linear(train: Rows, config: Data) -> Matrix:
    """Standardizes numbers, imputes missing values by the median with an indicator, and one-hot encodes categories.

    Args:
        train: Raw training rows.
        config: The data section.
    """
    inputs = fit_preprocessing(train, config.model_copy(update=PLAIN)).inputs
    return lambda columns: to_array(inputs, columns).astype(np.float64)


def for_trees(train: Rows, config: Data) -> Raws:
    """Keeps numbers, with NaN for missing values; encodes categories by number; splits dates into parts.

    Args:
        train: Raw training rows.
        config: The data section.
    """
    inputs = fit_preprocessing(train, config.model_copy(update=BY_NUMBER)).inputs
    if not isinstance(inputs, TableInputs):
        return Raws(lambda columns: np.asarray(columns["x"], np.float64), [False] * inputs.n_inputs)
    features = [feature for feature in inputs.features if _varies(feature, train.inputs[feature.column])]
    n_parts = [len(_parts(feature, train.inputs[feature.column][:1])) for feature in features]
    of_parts = [isinstance(feature, Embedded) for feature, n in zip(features, n_parts, strict=True) for _ in range(n)]

    def matrix(columns: Columns) -> np.ndarray:
        parts = [part for feature in features for part in _parts(feature, columns[feature.column])]
        return np.stack(parts or [np.zeros(len(next(iter(columns.values()))))], axis=1)

    return Raws(matrix, of_parts or [False])


def _varies(feature: Feature, values: RawColumn) -> bool:
    """Whether a column varies; scikit-learn 1.9 fails on a column of missing values only."""
    return not isinstance(feature, Ordinal) and (isinstance(values, TextArray) or not np.isnan(values).all())


def _parts(feature: Feature, values: RawColumn) -> list[np.ndarray]:
    """Returns the columns `(n_rows,)` of the matrix for a feature."""
    if isinstance(feature, Embedded):
        return _by_level(lambda x: feature.apply(NumpyOps(), x), values)
    if isinstance(feature, Date):
        return _by_level(lambda x: _of_date(feature, x), values)
    return [np.asarray(values, np.float64)]


def _by_level(parts: Callable[[np.ndarray], list[np.ndarray]], values: RawColumn) -> list[np.ndarray]:
    """Converts text once per distinct value."""
    if isinstance(values, TextArray):
        return [np.asarray(part, np.float64)[values.codes] for part in parts(values.levels)]
    return [np.asarray(part, np.float64) for part in parts(values)]


def _of_date(feature: Date, texts: np.ndarray) -> list[np.ndarray]:
    """Returns the parts of dates; NaN for missing dates."""
    ops = NumpyOps()
    fields = feature.written.parse(ops, texts)
    days = days_of(ops, fields)
    return [days, fields["year"], fields["month"], fields["day"], weekday(ops, days), fields["hour"]]
