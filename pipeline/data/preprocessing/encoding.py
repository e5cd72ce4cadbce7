"""What is learned of each raw column, on training rows only."""

from __future__ import annotations

import heapq
import logging

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, Kind
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.features import Date, Embedded, Feature, Hashed, Number, OneHot, Ordinal, Vocabulary
from pipeline.data.preprocessing.scaling import Chain, fit_scaling, flat
from pipeline.data.preprocessing.scaling.statistics import median, shift_and_scale
from pipeline.data.reading.dates import FORMATS, days_of, format_of
from pipeline.data.reading.raw import Raw, Text, is_constant
from pipeline.errors import DataError

log = logging.getLogger(__name__)


def fit_feature(column: str, values: Raw, kind: Kind, config: Data, given: Chain | None) -> Feature:
    """Learns from a column's training rows what its feature must know; a scaling may be given.

    A column that is constant or empty in them becomes 0, whatever values come later: its weights are never trained.
    The exported model takes it all the same, as it takes all columns that were not dropped.
    """
    if kind == "category":
        encoding = config.category_encodings.get(column, config.category_encoding)
        if encoding == "hash" and column not in config.category_encodings and not isinstance(values, Text):
            encoding = "one_hot"  # a hash of all columns is one of those that hold text
        if is_constant(values):
            encoding = "ordinal"
        return _category(column, values, encoding, config)
    if isinstance(values, Text):
        return _category(column, values, "ordinal", config) if is_constant(values) else _date(column, values)
    return _number(column, values, kind, config, given)


def _number(column: str, values: np.ndarray, kind: Kind, config: Data, given: Chain | None) -> Number:
    gaps = np.isnan(values)
    has_gaps = bool(gaps.any())
    there = values[~gaps] if has_gaps else values
    is_empty = not len(there)
    if is_empty:
        there = np.zeros(1)
    way = config.imputes.get(column, "most_frequent" if kind == "boolean" else config.impute)
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


def _category(column: str, values: Raw, encoding: str, config: Data) -> Feature:
    if encoding == "hash":
        if not isinstance(values, Text):
            raise DataError(f"data.category_encodings: column {column!r} holds numbers; hash is for text, use one_hot")
        return Hashed(column, config.hash_buckets)
    vocabulary = vocabulary_of(column, *_counted(values), config.max_categories)
    if encoding == "embedding":
        return Embedded(column, vocabulary)
    if encoding == "ordinal":
        if isinstance(values, Text):
            index = vocabulary.index(NumpyOps(), values.levels)[values.codes]
        else:
            index = vocabulary.index(NumpyOps(), values)
        known = index[index >= 0] if (index >= 0).any() else np.zeros(1)  # gaps only
        return Ordinal(column, vocabulary, float(known.mean()), float(known.std()) or 1.0)
    return OneHot(column, vocabulary)


def vocabulary_of(column: str, found: np.ndarray, counts: np.ndarray, most: int) -> Vocabulary:
    """The most frequent categories, the first of equals in alphabetical order. A gap of text is one of them.

    Args:
        column: Its name, for the log.
        found: The categories, `(n,)`.
        counts: Training rows of each.
        most: Categories to keep.
    """
    if len(found) > most:
        least = np.partition(counts, -most)[-most]
        often, equals = found[counts > least], found[counts == least]
        kept = [*often.tolist(), *heapq.nsmallest(most - len(often), equals.tolist())]
        share = 1 - np.sort(counts)[-most:].sum() / counts.sum()
        text = "column %r: %d of %d categories kept; the others are %.0f %% of training rows"
        log.info(text, column, most, len(found), share * 100)
    else:
        kept = found.tolist()
    return Vocabulary(tuple(sorted(kept)) or (0.0,), len(found) > most)


def _counted(values: Raw) -> tuple[np.ndarray, np.ndarray]:
    """The categories and how many rows have each."""
    if isinstance(values, Text):
        counts = values.counts()
        return values.levels[counts > 0], counts[counts > 0]
    return np.unique(values[~np.isnan(values)], return_counts=True)


def _date(column: str, values: Text) -> Date:
    ops = NumpyOps()
    values = values.used()
    written = format_of(values.levels)
    assert written is not None  # kinds.py has seen that it is a date
    fields = written.parse(ops, values.levels)
    days = days_of(ops, fields)
    codes = values.codes[~values.gaps()]
    other_way = FORMATS[-1].days(ops, values.levels[values.levels != ""])
    if written.name == "month/day/year" and not np.isnan(other_way).any():
        text = "column %r: %s is taken as month/day/year, though it could be day/month/year"
        log.warning(text, column, values.levels[codes[0]])
    elapsed, year = (_standardized(column, numbers[codes]) for numbers in (days, fields["year"]))
    has_time = bool((days[~np.isnan(days)] % 1 != 0).any())
    return Date(column, written, has_time, elapsed, year)


def _standardized(column: str, numbers: np.ndarray) -> Chain:
    """A chain for a part of a date; a year that is the same in all training rows says nothing of later ones."""
    low = float(numbers.min())
    return flat(low) if low == numbers.max() else fit_scaling(numbers, "standard", column)
