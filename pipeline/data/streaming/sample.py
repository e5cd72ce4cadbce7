"""A uniform sample of rows that does not depend on the blocks, and rows with values that it may lack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.data.reading.column_roles import Columns
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.streaming.blocks import Block
from pipeline.data.streaming.hash_split import uniform

SALT = 7  # draws the sample independently of the parts
MAX_SEEN = 1000  # distinct values of a column; with no more, all of them are in the sample


class Held(NamedTuple):
    """Rows of one block."""

    columns: Columns
    parts: np.ndarray  # (n_rows,) int8
    drawn: np.ndarray  # (n_rows,) in [0, 1)
    is_first: np.ndarray  # (n_rows,) bool: the first row with one of its values


@dataclass
class Sample:
    """The rows whose numbers have the smallest hashes, and the first row of each value of columns with few values."""

    most_rows: int
    seed: int
    _held: list[Held] = field(default_factory=list)
    _seen: dict[str, set[object] | None] = field(default_factory=dict)  # None: a column with too many values
    _limit: float = 1.0  # hashes from here on are not in the sample

    def add(self, block: Block, parts: np.ndarray) -> None:
        """Adds the rows of a block that belong to the sample.

        Args:
            block: The block.
            parts: Part of each row, `(n_rows,)` int8.
        """
        drawn = uniform(np.arange(block.first_row, block.first_row + len(block)), self.seed + SALT)
        is_first = np.zeros(len(block), bool)
        for name, values in (block.columns.inputs | block.columns.target).items():
            is_first[self._first_rows(name, values)] = True
        rows = np.flatnonzero((drawn < self._limit) | is_first)
        self._held.append(Held(_taken(block.columns, rows), parts[rows], drawn[rows], is_first[rows]))
        if sum(len(held.drawn) for held in self._held) > 2 * self.most_rows:
            self._shrink()

    def rows(self) -> tuple[Columns, np.ndarray, np.ndarray]:
        """The sample in the order of the files, the part of each row, and whether it was drawn at random."""
        self._shrink()
        (held,) = self._held
        return held.columns, held.parts, held.drawn < self._limit

    def _shrink(self) -> None:
        parts, drawn, is_first = (
            np.concatenate([getattr(held, name) for held in self._held]) for name in ("parts", "drawn", "is_first")
        )
        if len(drawn) > self.most_rows:
            self._limit = float(np.partition(drawn, self.most_rows)[self.most_rows])
        rows = np.flatnonzero((drawn < self._limit) | is_first)
        columns = _taken(_joined([held.columns for held in self._held]), rows)
        self._held = [Held(columns, parts[rows], drawn[rows], is_first[rows])]

    def _first_rows(self, name: str, values: RawColumn | pd.Series) -> np.ndarray:
        """Numbers of the block's rows with a value that no earlier row had."""
        seen = self._seen.setdefault(name, set())
        if seen is None:
            return np.array([], np.int64)
        codes, distinct = pd.factorize(np.asarray(values))
        if len(seen) + len(distinct) > 2 * MAX_SEEN:
            self._seen[name] = None
            return np.array([], np.int64)
        new = [number for number, value in enumerate(distinct) if value not in seen]
        seen.update(distinct[number] for number in new)
        known, first = np.unique(codes, return_index=True)
        return first[np.isin(known, new)]


def _taken(columns: Columns, rows: np.ndarray) -> Columns:
    """Some rows, in ascending order."""
    n_rows = len(next(iter(columns.target.values())))
    return replace(
        columns,
        inputs={name: values[rows] for name, values in columns.inputs.items()},
        target={name: values.iloc[rows] for name, values in columns.target.items()},
        sample_weight=None if columns.sample_weight is None else columns.sample_weight[rows],
        split_column=None,
        n_test_file_rows=int((rows >= n_rows - columns.n_test_file_rows).sum()),
        row_numbers=None if columns.row_numbers is None else columns.row_numbers[rows],
    )


def _joined(several: list[Columns]) -> Columns:
    first = several[0]
    weights = [columns.sample_weight for columns in several if columns.sample_weight is not None]
    return replace(
        first,
        inputs={name: _in_one([columns.inputs[name] for columns in several]) for name in first.inputs},
        target={
            name: pd.concat([columns.target[name] for columns in several], ignore_index=True) for name in first.target
        },
        sample_weight=np.concatenate(weights) if weights else None,
        n_test_file_rows=sum(columns.n_test_file_rows for columns in several),
        row_numbers=np.concatenate([columns.row_numbers for columns in several if columns.row_numbers is not None]),
        n_first=several[-1].n_first,
    )


def _in_one(parts: list[RawColumn]) -> RawColumn:
    """Joins a column's parts, which all have the same form, see `in_same_form`."""
    values = np.concatenate([np.asarray(part) for part in parts])
    return TextArray.of(values) if isinstance(parts[0], TextArray) else values
