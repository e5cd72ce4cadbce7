"""Rows as a user has them: named input columns, a target in its own units or labels, and weights."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.fingerprint import Fingerprint
from pipeline.data.preprocessing.kinds import check_dates
from pipeline.data.reading.columns import from_images, from_table
from pipeline.data.reading.places import Places
from pipeline.data.reading.raw import Raw, as_raw
from pipeline.data.reading.sources import Table, read
from pipeline.data.target import Target, make_target
from pipeline.runtime.threads import in_threads

if TYPE_CHECKING:
    from pipeline.data.streaming.stream import Stream

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """What the exported model is fed and what it is scored against."""

    name: str
    inputs: dict[str, Raw]  # (n_rows,) each; an array without names is {"x": (n_rows, n)}
    target: Target
    sample_weight: np.ndarray | None  # (n_rows,) float64
    test_rows: np.ndarray | None  # row numbers of an official test set
    split_column: Raw | None = None  # (n_rows,) of data.split.column
    n_test_file_rows: int = 0  # of a separate test file; they are the last ones
    row_numbers: np.ndarray | None = None  # (n_rows,) of each row in its file, where not all of them are there
    stream: Stream | None = None  # the whole table, of which these rows are a sample

    def __post_init__(self) -> None:
        """Takes text as an array of objects too."""
        object.__setattr__(self, "inputs", {name: as_raw(column) for name, column in self.inputs.items()})
        object.__setattr__(self, "split_column", None if self.split_column is None else as_raw(self.split_column))

    def __len__(self) -> int:
        return len(self.target.values)

    @property
    def n_inputs(self) -> int:
        """Raw inputs per row."""
        return sum(column.shape[1] if column.ndim == 2 else 1 for column in self.inputs.values())

    @property
    def places(self) -> Places:
        """Where a user finds each row."""
        return Places(len(self), self.n_test_file_rows, self.row_numbers)

    def take(self, rows: np.ndarray) -> Rows:
        """The rows of the given numbers, in that order."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        taken = in_threads(lambda column: column[rows], self.inputs.values(), n_rows=len(rows))
        return replace(
            self,
            inputs=dict(zip(self.inputs, taken, strict=True)),
            target=self.target.take(rows),
            sample_weight=weight,
            test_rows=None,
            split_column=None if self.split_column is None else self.split_column[rows],
            n_test_file_rows=0,
            row_numbers=None if self.row_numbers is None else self.row_numbers[rows],
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the column names and all values, by which two runs can be seen to have used the same rows."""
        if self.stream is not None:
            return self.stream.fingerprint
        found = Fingerprint()
        for name, column in self.inputs.items():
            found.add(name, column)
        for name, column in zip(self.target.names, self.target.originals().T, strict=True):
            found.add(f"target {name}", column)
        if self.sample_weight is not None:
            found.add("", self.sample_weight)
        return found.hexdigest()

    def fingerprint_of(self, part: str, numbers: np.ndarray) -> str:
        """The fingerprint of a part of the rows, given by its name and the row numbers."""
        return self.take(numbers).fingerprint if self.stream is None else self.stream.fingerprint_of(part)

    def n_rows_of(self, part: str, numbers: np.ndarray) -> int:
        """How many rows a part has, given by its name and the row numbers."""
        return len(numbers) if self.stream is None else self.stream.n_rows[part]


def raw_targets(columns: Mapping[str, pd.Series]) -> dict[str, np.ndarray]:
    """Target columns as numbers or as text, whatever will be made of them."""
    return {
        name: column.to_numpy() if pd.api.types.is_numeric_dtype(column) else column.astype(str).to_numpy(object)
        for name, column in columns.items()
    }


def load(config: Data) -> Rows:
    """Reads the rows, picks the columns and finds out what is predicted.

    Raises:
        DataError: A file, column or value is not as it must be; all columns with the same fault at once.
    """
    source = read(config)
    columns = from_table(source, config) if isinstance(source, Table) else from_images(source, config)
    target = make_target(columns.target, config.task)
    test_rows = None if isinstance(source, Table) else source.test_rows
    rows = Rows(
        config.name,
        columns.inputs,
        target,
        columns.sample_weight,
        test_rows,
        columns.split_column,
        columns.n_test_file_rows,
        columns.row_numbers,
    )
    check_dates(rows.inputs, config, rows.places)
    kind = target.task if target.task == "regression" else f"{target.task} with {len(target.classes)} classes"
    chosen = " (data.task=auto; set it where this is wrong)" if config.task == "auto" else ""
    source_name, names = config.path or config.name, ", ".join(target.names)
    log.info("data %s: %d rows, %d inputs; %s of %s%s", source_name, len(rows), rows.n_inputs, kind, names, chosen)
    return rows
