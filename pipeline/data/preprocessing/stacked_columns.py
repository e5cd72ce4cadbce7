"""Columns of one kind and scaling side by side: a graph then has operations for each kind, not for each column."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from pipeline.data.ops import Ops
from pipeline.data.preprocessing.category_columns import Embedded, Hashed, OneHot, Ordinal, Vocabularies
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature
from pipeline.data.preprocessing.number_columns import Number
from pipeline.data.preprocessing.scaling.stacked_transforms import kind_of, side_by_side


@dataclass(frozen=True)
class Stack:
    """Features of one kind.

    Attributes:
        features: In the order of their columns.
        places: Position of each feature's first input in the network.
    """

    features: tuple[Any, ...]
    places: tuple[int, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns, one for each feature."""
        return tuple(feature.column for feature in self.features)

    @property
    def order(self) -> np.ndarray:
        """Position in the network of each input that `apply` returns."""
        widths = [len(feature.names) for feature in self.features]
        if isinstance(self.features[0], OneHot | Hashed):
            return np.concatenate(list(map(np.arange, self.places, np.add(self.places, widths))))
        return np.concatenate([np.add(self.places, part) for part in range(widths[0])])

    def apply(self, ops: Ops, x: Any) -> list[Any]:
        """Converts the raw columns `(n_rows, n_columns)` to parts `(n_rows, n)`."""
        feature = _together(self.features[0], self.features)
        if isinstance(feature, OneHot | Hashed):
            return [ops.one_hot_columns(feature.place(ops, x), [len(each.names) for each in self.features])]
        parts: list[Any] = feature.apply(ops, x)
        return parts


def stacks(features: Sequence[Feature]) -> list[Stack]:
    """All features, with those of one kind together."""
    groups: dict[Hashable, list[tuple[Feature, int]]] = {}
    place = 0
    for feature in features:
        groups.setdefault((type(feature), _alike(feature)), []).append((feature, place))
        place += len(feature.names)
    return [Stack(*zip(*group, strict=True)) for group in groups.values()]


@singledispatch
def _alike(feature: Any) -> Hashable:
    """What features of a kind must have in common, apart from numbers."""
    raise TypeError(type(feature))


@singledispatch
def _together(feature: Any, features: Sequence[Any]) -> Any:
    """Combines features of one kind into one, with a vector for each of their numbers; the first selects the kind."""
    raise TypeError(type(feature))


@_alike.register
def _(feature: Number) -> Hashable:
    return feature.indicator, kind_of(feature.scaling)


@_together.register
def _(feature: Number, features: Sequence[Number]) -> Number:
    fills: Any = np.array([each.fill for each in features])
    return replace(feature, fill=fills, scaling=side_by_side([each.scaling for each in features]))


@_alike.register
def _(feature: Date) -> Hashable:
    return feature.written, feature.has_time, kind_of(feature.elapsed), kind_of(feature.year)


@_together.register
def _(feature: Date, features: Sequence[Date]) -> Date:
    elapsed, year = ([getattr(each, part) for each in features] for part in ("elapsed", "year"))
    return replace(feature, elapsed=side_by_side(elapsed), year=side_by_side(year))


@_alike.register
def _(feature: Hashed) -> Hashable:
    return feature.n_buckets


@_together.register
def _(feature: Hashed, features: Sequence[Hashed]) -> Hashed:
    return feature


@_alike.register(OneHot)
@_alike.register(Embedded)
@_alike.register(Ordinal)
def _(feature: Any) -> Hashable:
    return feature.vocabulary.has_others, type(feature.vocabulary.values[0]) is str


@_together.register(OneHot)
@_together.register(Embedded)
def _(feature: Any, features: Sequence[Any]) -> Any:
    return replace(feature, vocabulary=Vocabularies(tuple(each.vocabulary for each in features)))


@_together.register
def _(feature: Ordinal, features: Sequence[Ordinal]) -> Ordinal:
    vectors: Any = {part: np.array([getattr(each, part) for each in features]) for part in ("mean", "deviation")}
    vectors["vocabulary"] = Vocabularies(tuple(each.vocabulary for each in features))
    return replace(feature, **vectors)
