"""Converts the columns of a file's blocks to a model's: Arrow reads whole columns if it can, `clean` all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.data.reading.input_column import InputColumn
from pipeline.data.reading.parse_inputs import Coded, NewGaps, clean
from pipeline.export.model_columns import values_at_fault

NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)


class BlockParser:
    """Converts a file's columns to a model's, by the model's types and never by the look of a block.

    Attributes:
        names: Names of the columns to read.
        new_gaps: Gaps in columns that had none in training, by column, in all blocks so far.
    """

    def __init__(self, columns: Sequence[InputColumn], strict: bool = False) -> None:
        """Prepares to parse blocks.

        Args:
            columns: The model's columns.
            strict: Whether a missing value in a column that had none in training is an error.
        """
        self.names = [column.name for column in columns]
        self._columns, self._strict = columns, strict
        self._marks = {column.name: pa.array(sorted(column.marks), pa.string()) for column in columns}
        self.new_gaps: dict[str, NewGaps] = {}

    def columns(self, block: pa.Table, first_row: int) -> dict[str, np.ndarray]:
        """The model's columns for a block of rows.

        Args:
            block: Rows of the file.
            first_row: Number of the first of these rows, from 0.

        Raises:
            DataError: Values are invalid in their columns; with column and row, from 0.
        """
        given = {column.name: self._values(column, block[column.name].combine_chunks()) for column in self._columns}
        with values_at_fault():
            found = clean(self._columns, given, first_row)
            if self._strict:
                found.require_known_gaps()
        for gaps in found.new_gaps:
            before = self.new_gaps.get(gaps.column)
            self.new_gaps[gaps.column] = replace(before, n_rows=before.n_rows + gaps.n_rows) if before else gaps
        return found.columns

    def _values(self, column: InputColumn, values: Any) -> Any:
        """Converts an Arrow array to what `clean` takes: numbers unchanged, repeated values once."""
        kind = values.type
        if column.is_text or pa.types.is_dictionary(kind):
            return _coded(values)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            numbers = self._plainly_written(column, values)
            return _coded(values) if numbers is None else _floats(numbers)
        if any(of_kind(kind) for of_kind in NUMBERS):
            return _floats(pc.cast(values, pa.float64(), safe=False))
        return values.to_pandas()

    def _plainly_written(self, column: InputColumn, values: Any) -> Any:
        """The numbers of texts if all of them are plainly written numbers or gaps; else None."""
        if column.format is not None:
            return None
        text, decimal = pc.utf8_trim_whitespace(values), column.text.decimal
        text = pc.if_else(pc.is_in(text, self._marks[column.name]), None, text)
        if decimal != ".":
            if pc.any(pc.match_substring(text, ".")).as_py():
                return None
            text = pc.replace_substring(text, decimal, ".")
        try:
            numbers = pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            return None
        return None if pc.any(pc.is_nan(numbers)).as_py() else numbers  # Arrow reads NAN as a number, training does not


class ArrayBlockParser(BlockParser):
    """Parses blocks for a model that takes an array, each of whose columns is a column of the file."""

    def __init__(self, array: InputColumn, names: Sequence[str], strict: bool = False) -> None:
        """Prepares to parse blocks.

        Args:
            array: The input of the model.
            names: Names of its columns in the file.
            strict: As for `BlockParser`.
        """
        super().__init__([replace(array, name=name, shape=(None,)) for name in names], strict)
        self._array = array.name

    def columns(self, block: pa.Table, first_row: int) -> dict[str, np.ndarray]:
        """The array for a block of rows.

        Args:
            block: Rows of the file.
            first_row: Number of the first of these rows, from 0.

        Raises:
            DataError: Values are not numbers; with column and row, from 0.
        """
        return {self._array: np.stack(list(super().columns(block, first_row).values()), axis=1)}


def _floats(numbers: Any) -> np.ndarray:
    found: np.ndarray = pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False)
    return found


def _coded(values: Any) -> Any:
    """Each distinct value once; moments in UTC."""
    if pa.types.is_timestamp(values.type):
        values = pc.cast(pc.cast(values, pa.timestamp("us", values.type.tz), safe=False), pa.timestamp("us"))
    try:
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    except pa.ArrowNotImplementedError:  # lists and other types, which are refused one by one
        return values.to_pandas()
    codes = pc.fill_null(pc.cast(encoded.indices, pa.int64()), -1).to_numpy(zero_copy_only=False)
    return Coded(codes, encoded.dictionary.to_pylist())
