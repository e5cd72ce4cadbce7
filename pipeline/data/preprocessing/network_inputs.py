"""From raw input columns to the network's inputs: a table feature by feature, an array as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.config.rules import Data, FixedScaling, Kind
from pipeline.data.ops import NumpyOps, Ops
from pipeline.data.preprocessing.category_columns import Embedded
from pipeline.data.preprocessing.column_kinds import kinds_of
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature, fit_features
from pipeline.data.preprocessing.number_columns import Number
from pipeline.data.preprocessing.scaling import LARGEST, ComposedTransform, Scaler, fixed_scaling
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.errors import DataError, did_you_mean
from pipeline.runtime.threads import in_threads

Columns = Mapping[str, Any]
NUMBERS: tuple[Kind, ...] = ("numeric", "boolean")
# Keys of the data section that may have values for single columns, and the kinds that such a column may have.
KINDS_BY_KEY: dict[str, tuple[Kind, ...]] = {
    "category_encoding": ("category",), "impute": NUMBERS, "input_scaling": NUMBERS
}  # fmt: skip


def without_columns(config: Data, columns: Collection[str]) -> Data:
    """The data section without what its keys say of some columns, because these are left out.

    Args:
        config: The data section.
        columns: Names of columns.
    """
    if not columns:
        return config
    kinds = {name: kind for name, kind in config.column_kinds.items() if name not in columns}
    update: dict[str, Any] = {"column_kinds": kinds}
    for key in KINDS_BY_KEY:
        setting = getattr(config, key)
        own = {name: value for name, value in setting.by_column.items() if name not in columns}
        update[key] = setting.model_copy(update={"by_column": own})
    return config.model_copy(update=update)


class Inputs(Protocol):
    """Fitted preprocessing of the inputs."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Kind of each raw column."""

    @property
    def n_inputs(self) -> int:
        """Number of inputs of the network."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of these inputs."""

    @property
    def categories(self) -> tuple[int, ...]:
        """Number of categories of each embedded column; these columns come last."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Positions of quantities that vary in training rows, which may get embeddings of numbers."""

    def apply(self, ops: Ops, columns: Columns) -> list[Any]:
        """Parts `(n_rows,)` or `(n_rows, n)`, float64, in the order of the network's inputs."""

    @property
    def dates(self) -> Mapping[str, Date]:
        """The columns that are dates."""

    def faults(self, columns: Columns, largest: float, places: RowNumbers) -> Iterator[str]:
        """Columns whose values are beyond what the network can compute with, and the first row of each.

        Args:
            columns: Raw columns.
            largest: Bound of scaled values.
            places: Where a user finds each row.
        """


@dataclass(frozen=True)
class TableInputs:
    """The features of all columns; embedded ones come last."""

    features: tuple[Feature, ...]
    kinds: Mapping[str, Kind]

    @property
    def n_inputs(self) -> int:
        """Number of inputs of the network."""
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of these inputs, feature by feature."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def categories(self) -> tuple[int, ...]:
        """Number of categories of each embedded column."""
        return tuple(feature.n_categories for feature in self.features if isinstance(feature, Embedded))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Positions of the quantities."""
        found, first = [], 0
        for feature in self.features:
            found += [first + place for place in feature.quantities]
            first += len(feature.names)
        return tuple(found)

    def apply(self, ops: Ops, columns: Columns) -> list[Any]:
        """Parts in the order of the network's inputs."""
        return [part for feature in self.features for part in feature.apply(ops, columns[feature.column])]

    @property
    def dates(self) -> dict[str, Date]:
        """The columns that are dates."""
        return {feature.column: feature for feature in self.features if isinstance(feature, Date)}

    def faults(self, columns: Columns, largest: float, places: RowNumbers) -> Iterator[str]:
        """Number columns whose largest or smallest value is too large when scaled.

        Args:
            columns: Raw columns, `(n_rows,)` each.
            largest: Bound of the absolute scaled value.
            places: Names a row by its file and line.
        """
        for feature in self.features:
            if isinstance(feature, Number) and (found := _first_beyond(feature, columns[feature.column], largest)):
                row, shown = found
                yield f"column {feature.column!r}, {places(row)}: {shown} is {largest:g} or more when scaled"


def _first_beyond(feature: Number, raw: np.ndarray, largest: float) -> tuple[int, str] | None:
    """The first row whose scaled value is too large, and that value. Transforms are monotone: ends and gaps suffice."""
    gaps = np.isnan(raw)
    ends = [] if gaps.all() else [np.nanmin(raw), np.nanmax(raw)]
    values = np.array([*ends, np.nan] if gaps.any() else ends)
    with np.errstate(over="ignore"):
        too_large = ~(np.abs(feature.apply(NumpyOps(), values)[0]) < largest)
    if not too_large.any():
        return None
    value = values[too_large.argmax()]
    if np.isnan(value):
        return int(gaps.argmax()), f"a gap filled with {feature.fill:g}"
    return int((raw == value).argmax()), f"{value:g}"


@dataclass(frozen=True)
class ArrayInputs:
    """An array without column names, `x`, scaled column by column."""

    scaler: Scaler
    clip: float
    kinds: Mapping[str, Kind]

    @property
    def n_inputs(self) -> int:
        """Columns of the array."""
        return len(self.scaler.shift)

    @property
    def names(self) -> tuple[str, ...]:
        """`x[0]`, `x[1]`, ..."""
        return tuple(f"x[{number}]" for number in range(self.n_inputs))

    @property
    def categories(self) -> tuple[int, ...]:
        """None."""
        return ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """All positions."""
        return tuple(range(self.n_inputs))

    def apply(self, ops: Ops, columns: Columns) -> list[Any]:
        """The scaled array."""
        scaled = (columns["x"] - self.scaler.shift) / self.scaler.scale
        return [ops.maximum(ops.minimum(scaled, self.clip), -self.clip)]

    @property
    def dates(self) -> dict[str, Date]:
        """None."""
        return {}

    def faults(self, columns: Columns, largest: float, places: RowNumbers) -> Iterator[str]:
        """Columns of the array whose largest or smallest value is too large when scaled.

        Args:
            columns: The raw array `x`, `(n_rows, n)`.
            largest: Bound of the absolute scaled value.
            places: Names a row by its file and line.
        """
        raw, shift, scale = columns["x"], self.scaler.shift, self.scaler.scale
        with np.errstate(over="ignore"):
            lowest, highest = raw.min(axis=0).astype(np.float64), raw.max(axis=0).astype(np.float64)
            sizes = np.maximum(np.abs((lowest - shift) / scale), np.abs((highest - shift) / scale))
            sizes = np.minimum(sizes, self.clip)
        for number in np.flatnonzero(~(sizes < largest)):
            row = int(np.abs(raw[:, number] - shift[number]).argmax())
            yield f"column 'x[{number}]', {places(row)}: {raw[row, number]:g} is {largest:g} or more when scaled"


def fit_inputs(columns: Columns, config: Data) -> TableInputs | ArrayInputs:
    """Fits the preprocessing of the inputs on training rows.

    Args:
        columns: Raw training rows.
        config: The data section.

    Raises:
        DataError: A key names a column that does not exist or has another kind than the key needs.
    """
    if "x" in columns and columns["x"].ndim == 2:
        return _fit_array(columns["x"], config)
    kinds = kinds_of(columns, config)
    for key, allowed in KINDS_BY_KEY.items():
        _check_kinds(key, allowed, kinds, config)
    chains = _given_chains(kinds, config)

    def fitted(name: str) -> list[Feature]:
        return fit_features(name, columns[name], kinds[name], config, chains.get(name))

    by_column = in_threads(fitted, columns, n_rows=len(next(iter(columns.values()))))
    features = [feature for of_column in by_column for feature in of_column]
    features.sort(key=lambda feature: isinstance(feature, Embedded))
    return TableInputs(tuple(features), kinds)


def _check_kinds(key: str, allowed: tuple[Kind, ...], kinds: Mapping[str, Kind], config: Data) -> None:
    """Raises DataError if the key names a column of another kind."""
    for name in getattr(config, key).by_column:
        if name not in kinds:
            others = did_you_mean(name, kinds) or f"; the columns are {', '.join(map(repr, kinds))}"
            raise DataError(f"data.{key}.by_column: unknown input column {name!r}{others}")
        if kinds[name] not in allowed:
            raise DataError(
                f"data.{key}.by_column: {name!r} is a {kinds[name]} column; it takes {allowed[0]} columns "
                "(data.column_kinds sets them)"
            )


def _given_chains(kinds: Mapping[str, Kind], config: Data) -> dict[str, ComposedTransform]:
    """The scaling of each number column whose shift and scale the config gives."""
    setting, found = config.input_scaling, dict[str, ComposedTransform]()
    if isinstance(setting.default, FixedScaling):
        numbers = [name for name, kind in kinds.items() if kind in NUMBERS]
        given = fixed_scaling(setting.default, len(numbers), "data.input_scaling", config.clip)
        found = {name: one for name, one in zip(numbers, given, strict=True) if name not in setting.by_column}
    for name, own in setting.by_column.items():
        if isinstance(own, FixedScaling):
            (found[name],) = fixed_scaling(own, 1, f"data.input_scaling.by_column.{name}", config.clip)
    return found


def _fit_array(x: np.ndarray, config: Data) -> ArrayInputs:
    named = {"column_kinds": config.column_kinds}
    named |= {f"{key}.by_column": getattr(config, key).by_column for key in KINDS_BY_KEY}
    for key, of_columns in named.items():
        if of_columns:
            raise DataError(f"data.{key}: {config.name} is an array without column names; leave it out")
    for key, off in (("two_valued", "as_is"), ("ordered_numbers", "number"), ("narrowest_range", 0)):
        if getattr(config, key) != off:
            raise DataError(f"data.{key}: {config.name} is an array without column names; leave it at {off}")
    scaling = config.input_scaling.default
    return ArrayInputs(Scaler.fit(x, scaling, "data.input_scaling"), config.clip or LARGEST, {"x": "numeric"})
