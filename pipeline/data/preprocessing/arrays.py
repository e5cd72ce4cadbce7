"""Builds the network's input: one float32 array, filled a block of rows at a time, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby

import numpy as np

from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.category_columns import Hashed, OneHot
from pipeline.data.preprocessing.features import Feature
from pipeline.data.preprocessing.network_inputs import ArrayInputs, Columns, TableInputs
from pipeline.data.reading.raw_columns import TextArray, as_raw
from pipeline.runtime.threads import in_threads

BLOCK_ROWS = 8192  # rows in float64 at a time: such a part of a column fits the processor's cache

# Fills the rows `slice` of the network's inputs `(n_rows, n_inputs)`, which start as zeros, beginning at one column.
Writer = Callable[[slice, np.ndarray], None]


def to_array(inputs: TableInputs | ArrayInputs, columns: Columns) -> np.ndarray:
    """All rows as `(n_rows, n_inputs)` float32.

    Text is encoded once per level and looked up by its codes; a one-hot encoding sets a single 1 in each row.

    Args:
        inputs: The fitted preprocessing.
        columns: Raw columns, `(n_rows,)` each; for an array one column `x`, `(n_rows, n)`.
    """
    columns = {name: as_raw(column) for name, column in columns.items()}
    n_rows = len(next(iter(columns.values())))
    array = np.zeros((n_rows, inputs.n_inputs), np.float32)
    if isinstance(inputs, ArrayInputs):
        writers: list[Writer] = [partial(_write_array, inputs, columns["x"])]
    else:
        writers = list(_writers(inputs.features, columns))

    def write(start: int) -> None:
        rows = slice(start, min(start + BLOCK_ROWS, n_rows))
        for writer in writers:
            writer(rows, array[rows])

    in_threads(write, range(0, n_rows, BLOCK_ROWS), n_rows=n_rows)
    return array


def _writers(features: tuple[Feature, ...], columns: Columns) -> Iterator[Writer]:
    """A writer for each feature; adjacent number columns share one."""
    first = 0

    def is_plain(feature: Feature) -> bool:
        return columns[feature.column].dtype != object and not isinstance(feature, OneHot | Hashed)

    for plain, group in groupby(features, is_plain):
        neighbours = list(group)
        if plain:
            yield partial(_write_numbers, neighbours, columns, first)
            first += sum(len(feature.names) for feature in neighbours)
            continue
        for feature in neighbours:
            yield _writer(feature, columns, first)
            first += len(feature.names)


def _writer(feature: Feature, columns: Columns, first: int) -> Writer:
    values = columns[feature.column]
    if isinstance(feature, OneHot | Hashed):
        if isinstance(values, TextArray):
            return partial(_write_ones_of_levels, feature.place(NumpyOps(), values.levels), values.codes, first)
        return partial(_write_ones, feature, values, first)
    assert isinstance(values, TextArray)
    parts = feature.apply(NumpyOps(), values.levels)
    table = np.stack([np.asarray(part, np.float32) for part in parts], axis=1)
    return partial(_write_levels, table, values.codes, slice(first, first + len(parts)))


def _write_array(inputs: ArrayInputs, x: np.ndarray, rows: slice, block: np.ndarray) -> None:
    (block[:],) = inputs.apply(NumpyOps(), {"x": x[rows]})


def _write_ones_of_levels(places: np.ndarray, codes: np.ndarray, first: int, rows: slice, block: np.ndarray) -> None:
    _set_ones(block, first, places[codes[rows]])


def _write_ones(feature: OneHot | Hashed, values: np.ndarray, first: int, rows: slice, block: np.ndarray) -> None:
    _set_ones(block, first, feature.place(NumpyOps(), values[rows]))


def _set_ones(block: np.ndarray, first: int, places: np.ndarray) -> None:
    """Sets a 1 in each row, `places` after the first column; no 1 if the place is -1."""
    n_rows, width = block.shape
    at = np.arange(first, first + n_rows * width, width) + places
    block.reshape(-1)[at if places.min() >= 0 else at[places >= 0]] = 1


def _write_levels(table: np.ndarray, codes: np.ndarray, place: slice, rows: slice, block: np.ndarray) -> None:
    block[:, place] = table.take(codes[rows], axis=0)


def _write_numbers(features: list[Feature], columns: Columns, first: int, rows: slice, block: np.ndarray) -> None:
    """Writes adjacent columns at once: each alone would pass over the whole block again."""
    n_parts = sum(len(feature.names) for feature in features)
    parts = np.empty((n_parts, len(block)), np.float32)
    found = (part for feature in features for part in feature.apply(NumpyOps(), columns[feature.column][rows]))
    for number, part in enumerate(found):
        parts[number] = part
    block[:, first : first + n_parts] = parts.T
