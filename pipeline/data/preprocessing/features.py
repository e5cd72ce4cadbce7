"""The features of each raw column: the numbers that the network sees, with what is learned for them on training rows.

Every feature is written against `Ops`, so that the training arrays and the exported model come from one definition.
"""

from __future__ import annotations

from typing import Any, Protocol

from pipeline.config.rules import Data, Kind
from pipeline.data.ops import Ops
from pipeline.data.preprocessing.category_columns import encoding_of, fit_category
from pipeline.data.preprocessing.column_kinds import gets_one_hot
from pipeline.data.preprocessing.date_columns import fit_date
from pipeline.data.preprocessing.number_columns import fit_number
from pipeline.data.preprocessing.scaling import ComposedTransform
from pipeline.data.reading.raw_columns import RawColumn, TextArray, is_constant


class Feature(Protocol):
    """Inputs of the network that are made of one raw column."""

    @property
    def column(self) -> str:
        """The raw column's name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs."""

    @property
    def quantities(self) -> tuple[int, ...]:
        """Positions among the names of quantities that vary in training rows."""

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Converts the raw column `(n_rows,)` to float64 parts, `(n_rows,)` or `(n_rows, n)` each."""


def fit_features(
    column: str, values: RawColumn, kind: Kind, config: Data, given: ComposedTransform | None
) -> list[Feature]:
    """The column's feature, and one-hot categories if it holds ordered numbers that also get these.

    Args:
        column: The column's name.
        values: Its training rows, raw.
        kind: Its kind.
        config: The data section.
        given: A scaling from the config; None fits one.
    """
    feature = fit_feature(column, values, kind, config, given)
    if kind == "numeric" and gets_one_hot(column, values, config):
        return [feature, fit_category(column, values, "one_hot", config)]
    return [feature]


def fit_feature(column: str, values: RawColumn, kind: Kind, config: Data, given: ComposedTransform | None) -> Feature:
    """Fits a column's feature on its training rows.

    A column that is constant or empty in them becomes 0, whatever values come later: its weights are never trained.
    The exported model still takes it, as it takes all columns that were not dropped.

    Args:
        column: The column's name.
        values: Its training rows, raw.
        kind: Its kind.
        config: The data section.
        given: A scaling from the config; None fits one.
    """
    if kind == "category":
        return fit_category(column, values, encoding_of(column, values, config), config)
    if not isinstance(values, TextArray):
        return fit_number(column, values, kind, config, given)
    return fit_category(column, values, "ordinal", config) if is_constant(values) else fit_date(column, values)
