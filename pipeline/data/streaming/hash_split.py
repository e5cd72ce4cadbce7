"""Divides a streamed table's rows by a hash of each row's number, group or fold.

Row numbers of all parts would take memory that grows with the table. A hash takes none, and is the same in every
pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config.rules import Data, Split
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.splits.column import parsed_dates, parsed_times, shown
from pipeline.data.splits.given import PARTS, from_file
from pipeline.data.splits.parts import NAMES
from pipeline.data.splits.sampling import InTime
from pipeline.data.streaming.blocks import Block
from pipeline.errors import DataError

log = logging.getLogger(__name__)

TRAIN, VAL, TEST, NONE, CALIBRATION = range(5)
KEPT, SALT = 0.5, 13  # of the validation rows, for calibration

Assign = Callable[[Block], np.ndarray]  # (n_rows,) int8: TRAIN, VAL, TEST, NONE or CALIBRATION


def uniform(keys: np.ndarray, seed: int) -> np.ndarray:
    """A number in [0, 1) for each key `(n,)` uint64, by splitmix64 (Steele, Lea and Flood 2014).

    Args:
        keys: Hashes of rows or groups.
        seed: Seed of the split.
    """
    with np.errstate(over="ignore"):
        mixed = keys.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) * 2.0**-53


def assignment(config: Data, read: Callable[[], Iterator[Block]], n_rows: int | None = None) -> Assign:
    """Returns a function that assigns the rows of a block to parts.

    Args:
        config: The data section.
        read: Starts a pass over all blocks, for what must be known before the first row is assigned.
        n_rows: Number of rows of all files; None if unknown.

    Raises:
        DataError: The rows cannot be divided in this way.
    """
    split = config.split
    if split.kind == "stratified":
        raise DataError(
            "data.split.kind: stratified needs all rows at once, which a streamed table does not allow; use "
            "data.split.kind=random: with so many rows, each part gets its share of every class"
        )
    if split.path:
        return _listed(config, read)
    draw = {
        "group": lambda: _by_group(split, read),
        "kfold": lambda: _fold(split, _by_row, config.split.test_path),
        "group_kfold": lambda: _fold(split, _by_value(split), config.split.test_path),
        "column": lambda: _named(split),
        "time": lambda: _in_time(config, read),
    }.get(split.kind)
    return draw() if draw else _drawn(split, _by_row)


def without_rows(config: Data) -> DataError:
    """The error for files without a row to divide.

    Args:
        config: The data section.
    """
    return DataError(f"data.path: {config.path} has no rows with a target")


def keeping_half(assign: Assign, split: Split) -> Assign:
    """The same division, but half of the validation rows, or of their groups, are kept for calibration.

    Args:
        assign: The division.
        split: The section `data.split`.
    """
    keys = _by_value(split) if split.kind in ("group", "group_kfold") else _by_row

    def assign_and_keep(block: Block) -> np.ndarray:
        parts = assign(block)
        kept = uniform(keys(block), split.seed + SALT) < KEPT
        return np.where((parts == VAL) & kept, CALIBRATION, parts).astype(np.int8)

    return assign_and_keep


def _by_row(block: Block) -> np.ndarray:
    return np.arange(block.first_row, block.first_row + len(block), dtype=np.uint64)


def _by_value(split: Split) -> Callable[[Block], np.ndarray]:
    def keys(block: Block) -> np.ndarray:
        values = _column(block, split)
        return pd.util.hash_array(np.asarray(values)).astype(np.uint64)

    return keys


def _column(block: Block, split: Split) -> RawColumn:
    values = block.columns.split_column
    assert values is not None
    missing = np.flatnonzero(values.gaps() if isinstance(values, TextArray) else np.isnan(values))
    if len(missing):
        raise DataError(
            f"data.split.column: column {split.column!r} has missing values, first in "
            f"{block.places(missing[0])}; kind={split.kind} needs a value in every row: fill them in, or remove these "
            "rows"
        )
    return values


def _test_fraction(split: Split) -> float:
    if split.test_path is None and split.test_fraction is None:
        raise DataError("data.split.test_fraction: no official test rows exist; set a fraction, such as 0.2")
    return 0.0 if split.test_path is not None else float(split.test_fraction or 0)


def _drawn(split: Split, keys: Callable[[Block], np.ndarray]) -> Assign:
    test = _test_fraction(split)

    def assign(block: Block) -> np.ndarray:
        if block.from_test_file:
            return np.full(len(block), TEST, np.int8)
        drawn = uniform(keys(block), split.seed)
        return np.where(drawn < test, TEST, np.where(drawn < test + split.val_fraction, VAL, TRAIN)).astype(np.int8)

    return assign


def _by_group(split: Split, read: Callable[[], Iterator[Block]]) -> Assign:
    """Draws whole groups; those of a separate test file must be others."""
    keys = _by_value(split)
    assign = _drawn(split, keys)
    if split.test_path is None:
        return assign
    of_blocks = [np.unique(keys(block)) for block in read() if block.from_test_file]
    tested = np.unique(np.concatenate(of_blocks)) if of_blocks else np.array([], np.uint64)

    def assign_others(block: Block) -> np.ndarray:
        common = np.array([]) if block.from_test_file else np.flatnonzero(np.isin(keys(block), tested))
        if len(common):
            raise DataError(
                f"data.split.test_path: groups of column {split.column!r} are in both files, first "
                f"{shown(np.asarray(_column(block, split))[common[0]])} in {block.places(common[0])}; remove their "
                "rows from one, or leave data.split.kind and column out"
            )
        return assign(block)

    return assign_others


def _fold(split: Split, keys: Callable[[Block], np.ndarray], test_path: str | None) -> Assign:
    if test_path is not None:
        raise DataError(
            f"data.split.test_path: {split.kind} tests every row in one of the folds, so it takes no test file; "
            "leave test_path out or use data.split.kind=auto"
        )

    def assign(block: Block) -> np.ndarray:
        of_block = keys(block)
        fold = np.floor(uniform(of_block, split.seed) * split.n_folds)
        val = uniform(of_block, split.seed + 1) < split.val_fraction
        return np.where(fold == split.fold, TEST, np.where(val, VAL, TRAIN)).astype(np.int8)

    return assign


def _named(split: Split) -> Assign:
    def assign(block: Block) -> np.ndarray:
        values = _column(block, split)
        numbers, distinct = pd.factorize(np.asarray(values))
        named = [PARTS.get(str(value).strip().lower(), "") for value in distinct]
        wrong = [value for value, part in zip(distinct, named, strict=True) if not part]
        if wrong:
            place = block.places(int(np.flatnonzero(np.asarray(values) == wrong[0])[0]))
            raise DataError(
                f"data.split.column: column {split.column!r} holds {wrong[0]!r} in {place}, which is not among "
                f"{', '.join(PARTS)}; change it, or use another data.split.kind"
            )
        return np.array([NAMES.index(part) for part in named], np.int8)[numbers]

    return assign


def _in_time(config: Data, read: Callable[[], Iterator[Block]]) -> Assign:
    """Cuts at two times, which a sample determines as all rows in memory would; rows of the same time stay together."""
    split, test = config.split, _test_fraction(config.split)
    first = _first_times(split, read, as_dates=False) or _first_times(split, read, as_dates=True)
    if first is None or not len(first.sample):
        raise without_rows(config)
    times = first.sample
    log.info("data.split.kind: the cuts in time are estimated from %d rows", len(times))
    draw = InTime(np.unique(times, return_inverse=True)[1].astype(np.int64), times, str(split.column))
    rest = np.arange(len(times))
    if test:
        rest, _ = draw(rest, round(test * len(times)), sides_left=2)
    train, _ = draw(rest, round(split.val_fraction * len(times)), sides_left=1)
    to_val, to_test = times[train].max(), times[rest].max() if test else np.inf

    def assign(block: Block) -> np.ndarray:
        at = _as_float(_times(block, split, first.as_dates))
        if block.from_test_file:
            _check_later(block, at, first, split)
            return np.full(len(block), TEST, np.int8)
        return np.where(at > to_test, TEST, np.where(at > to_val, VAL, TRAIN)).astype(np.int8)

    return assign


@dataclass(frozen=True)
class FirstTimes:
    """Times of the rows that are not in a separate test file."""

    sample: np.ndarray  # (n_sampled,) float64
    last: float  # of all rows
    last_value: object  # as in the file
    as_dates: bool  # whether texts must be read as dates


def _first_times(split: Split, read: Callable[[], Iterator[Block]], as_dates: bool) -> FirstTimes | None:
    """Draws a sample; None if the texts of some blocks are numbers, such as years, and those of others are dates."""
    kept, rows, last, last_value, types = [np.array([])], [np.array([])], -np.inf, object(), set()
    for block in read():
        found = _times(block, split, as_dates)
        types.add(found.dtype.kind)
        if len(types) > 1:
            return None
        if block.from_test_file:
            continue
        times = _as_float(found)
        drawn = uniform(_by_row(block), split.seed + 2)
        chosen = drawn < max(0.01, 100_000 / (block.first_row + len(block)))
        kept.append(times[chosen])
        rows.append(drawn[chosen])
        latest = int(times.argmax())
        if times[latest] > last:
            last, last_value = float(times[latest]), np.asarray(block.columns.split_column)[latest]
    sample = np.concatenate(kept)[np.argsort(np.concatenate(rows))[:1_000_000]]
    return FirstTimes(sample, last, last_value, as_dates)


def _check_later(block: Block, times: np.ndarray, first: FirstTimes, split: Split) -> None:
    """Raises DataError if rows of a test file are not later than all others."""
    early = np.flatnonzero(times <= first.last)
    if len(early):
        raise DataError(
            "data.split.test_path: its rows are not later than the last time of the first file "
            f"({shown(first.last_value)} in column {split.column!r}), first {block.places(early[0])}: "
            f"{shown(np.asarray(block.columns.split_column)[early[0]])}; remove them, or leave data.split.kind and "
            "column out"
        )


def _times(block: Block, split: Split, as_dates: bool) -> np.ndarray:
    """Times as float64 or datetime64.

    Args:
        block: The rows.
        split: The section `data.split`.
        as_dates: Whether texts must be dates, because those of other blocks are: 2015 is a number or a year.
    """
    values = _column(block, split)
    if not isinstance(values, TextArray):
        return values
    used = values.used()
    parsed = (parsed_dates if as_dates else parsed_times)(used.levels)[used.codes]
    wrong = np.flatnonzero(np.isnat(parsed) if parsed.dtype.kind == "M" else np.isnan(parsed))
    if len(wrong):
        raise DataError(
            f"data.split.column: values of column {split.column!r} are neither numbers nor ISO dates: "
            f"{shown(np.asarray(values)[wrong[0]])} in {block.places(wrong[0])}; write them as in 2011-01-31 or "
            "2011-01-31T17:30"
        )
    return parsed


def _as_float(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[us]").astype(np.float64) if times.dtype.kind == "M" else times


def _listed(config: Data, read: Callable[[], Iterator[Block]]) -> Assign:
    of_blocks = [block.row_numbers for block in read()]
    if not of_blocks:
        raise without_rows(config)
    row_numbers = np.concatenate(of_blocks)
    given = from_file(Path(str(config.split.path)), len(row_numbers), row_numbers)
    parts = np.full(len(row_numbers), NONE, np.int8)
    for number, rows in enumerate(given.parts().values()):
        parts[rows] = number
    return lambda block: parts[block.first_row : block.first_row + len(block)]
