"""What is learned of each raw column, on training rows only."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, Kind
from pipeline.data.dates import FORMATS, format_of
from pipeline.data.features import Date, Embedded, Feature, Hashed, Number, OneHot, Ordinal, Vocabulary
from pipeline.data.kinds import is_text
from pipeline.data.ops import NumpyOps
from pipeline.data.scaling import Chain, fit_scaling
from pipeline.data.scaling.statistics import WIDEST, shift_and_scale
from pipeline.errors import DataError

log = logging.getLogger(__name__)


def fit_feature(column: str, values: np.ndarray, kind: Kind, config: Data, given: Chain | None) -> Feature:
    """Learns from a column's training rows what its feature must know; a scaling may be given."""
    if kind == "date":
        return _date(column, values)
    if kind == "category":
        encoding = config.category_encodings.get(column, config.category_encoding)
        if encoding == "hash" and column not in config.category_encodings and not is_text(values):
            encoding = "one_hot"  # a hash of all columns is one of those that hold text
        return _category(column, values, encoding, config)
    return _number(column, values, kind, config, given)


def _number(column: str, values: np.ndarray, kind: Kind, config: Data, given: Chain | None) -> Number:
    gaps = np.isnan(values)
    there = values[~gaps]
    if not len(there):
        there = np.zeros(1)
    way = config.imputes.get(column, "most_frequent" if kind == "boolean" else config.impute)
    filled = {
        "median": lambda: float(np.median(np.clip(there, -WIDEST, WIDEST))),  # the mean of two such is a number
        "mean": lambda: shift_and_scale(there, "standard")[0],
        "most_frequent": lambda: float(pd.Series(there).mode().iloc[0]),
        "constant": lambda: config.impute_constant,
    }[way]()
    if given is None or column in config.input_scalings:
        scaling = str(config.input_scalings.get(column, config.input_scaling))
        given = fit_scaling(np.where(gaps, filled, values), scaling, "data.input_scaling", config.clip)
    return Number(column, filled, bool(config.missing_indicator and gaps.any()), given)


def _category(column: str, values: np.ndarray, encoding: str, config: Data) -> Feature:
    if encoding == "hash":
        if not is_text(values):
            raise DataError(f"data.category_encodings: column {column!r} holds numbers; hash is for text, use one_hot")
        return Hashed(column, config.hash_buckets)
    vocabulary = _vocabulary(column, values, config.max_categories)
    if encoding == "embedding":
        return Embedded(column, vocabulary)
    if encoding == "ordinal":
        index = vocabulary.index(NumpyOps(), values)
        known = index[index >= 0] if (index >= 0).any() else np.zeros(1)  # gaps only
        return Ordinal(column, vocabulary, float(known.mean()), float(known.std()) or 1.0)
    return OneHot(column, vocabulary)


def _vocabulary(column: str, values: np.ndarray, most: int) -> Vocabulary:
    there = values if is_text(values) else values[~np.isnan(values)]
    if not len(there):
        return Vocabulary((("",) if is_text(values) else (0.0,)), False)
    return vocabulary_of(column, pd.Series(there).value_counts(), most)


def vocabulary_of(column: str, counts: pd.Series, most: int) -> Vocabulary:
    """The most frequent categories, the first of equals in alphabetical order. A gap of text is one of them.

    Args:
        column: Its name, for the log.
        counts: Training rows by category.
        most: Categories to keep.
    """
    ordered = sorted(counts.index, key=lambda value: (-counts[value], value))
    if len(ordered) > most:
        share = counts[ordered[most:]].sum() / counts.sum()
        text = "column %r: %d of %d categories kept; the others are %.0f %% of training rows"
        log.info(text, column, most, len(ordered), share * 100)
    return Vocabulary(tuple(sorted(ordered[:most])), len(ordered) > most)


def _date(column: str, values: np.ndarray) -> Date:
    ops = NumpyOps()
    written = format_of(values)
    assert written is not None  # kinds.py has seen that it is a date
    fields, days = written.parse(ops, values), written.days(ops, values)
    there = ~np.isnan(days)
    if written.name == "month/day/year" and not np.isnan(_other_way(values)).any():
        text = "column %r: %s is taken as month/day/year, though it could be day/month/year"
        log.warning(text, column, values[there][0])
    elapsed = fit_scaling(days[there], "standard", column)
    year = fit_scaling(fields["year"][there], "standard", column)
    return Date(column, written, bool((days[there] % 1 != 0).any()), elapsed, year)


def _other_way(values: np.ndarray) -> np.ndarray:
    return FORMATS[-1].days(NumpyOps(), values[values != ""])
