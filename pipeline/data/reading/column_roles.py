"""Which columns are inputs, targets and weights, and whether one can train on their values."""

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.column_formats import formatted
from pipeline.data.reading.column_types import exact_numbers, has_large
from pipeline.data.reading.conversion import to_float
from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.finite import LARGEST_VALUE, check_targets, raw_columns
from pipeline.data.reading.raw_columns import RawColumn
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.reading.sources import Images, Table
from pipeline.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Columns:
    """A source's columns by role."""

    inputs: dict[str, RawColumn]
    target: dict[str, pd.Series]
    sample_weight: np.ndarray | None
    split_column: RawColumn | None = None
    n_test_file_rows: int = 0
    row_numbers: np.ndarray | None = None  # (n_rows,) number of each row through all files; None if all rows are there
    n_first: int | None = None  # rows of the files before the test file, with those that were left out


def from_table(table: Table, config: Data) -> Columns:
    """Picks target, weight and input columns of a table and checks their values.

    Args:
        table: All rows and columns.
        config: The data section.

    Raises:
        DataError: A named column does not exist, targets are missing, or values are infinite.
    """
    frame = table.frame.rename(columns=str)
    targets, inputs = _roles(list(frame.columns), table.default_target, config)
    frame, places = _with_target(frame, targets, table, config)
    frame = formatted(frame, places, config)
    check_targets(frame[targets], places, config)
    column = config.split.column
    return Columns(
        inputs=raw_columns(frame[inputs], places, config),
        target={name: _in_own_type(frame[name], config) for name in targets},
        sample_weight=_weight(frame, config.sample_weight),
        split_column=raw_columns(frame[[column]], places, config)[column] if column else None,
        n_test_file_rows=places.n_test_file_rows,
        row_numbers=places.numbers,
        n_first=places.n_first,
    )


def _roles(names: list[str], default_target: str | None, config: Data) -> tuple[list[str], list[str]]:
    """The names of the targets, and those of the inputs."""
    target = config.target or default_target
    if not target:
        raise DataError(f"data.target: name the column to predict; the columns are {', '.join(map(repr, names))}")
    named = {
        "data.target": [target] if isinstance(target, str) else target,
        "data.drop": config.drop,
        "data.sample_weight": [config.sample_weight] if config.sample_weight else [],
        "data.split.column": [config.split.column] if config.split.column else [],
    }
    for key, columns in (named | {"data.column_formats": list(config.column_formats)}).items():
        require_columns(key, columns, names)
    splits = named.pop("data.split.column")
    roles = [name for columns in named.values() for name in columns]
    twice = sorted({name for name in roles if roles.count(name) > 1})
    if twice:
        raise DataError(f"data.target, data.sample_weight and data.drop: {', '.join(twice)} is named more than once")
    aside = {*roles, *(name for name in splits if name not in config.column_kinds)}
    inputs = [name for name in names if name not in aside]
    if not inputs:
        raise DataError("data.drop: no input columns are left")
    return named["data.target"], inputs


def _in_own_type(target: pd.Series, config: Data) -> pd.Series:
    """Converts Python's decimals, which databases return, to numbers, and booleans whose gaps were left out to bool.

    Whole numbers stay Python's own if some are beyond int64.
    """
    kind = pd.api.types.infer_dtype(target)
    if kind == "boolean":
        return target.astype(bool)
    if kind == "decimal":
        return pd.to_numeric(target)
    if kind == "string" and not Reading.of(config).typed:
        return exact_numbers(target, config.decimal)
    return target.astype(object) if target.dtype == np.uint64 and has_large(target) else target


def _with_target(
    frame: pd.DataFrame, targets: list[str], table: Table, config: Data
) -> tuple[pd.DataFrame, RowNumbers]:
    """Drops rows without a target if the config requests it."""
    n_last = table.n_test_file_rows
    everywhere = RowNumbers(len(frame), n_last, table.row_numbers, table.n_first)
    if config.missing_target == "error":
        return frame, everywhere
    there = frame[targets].notna().all(axis=1).to_numpy()
    if there.all():
        return frame, everywhere
    if not there.any():
        raise DataError(f"data.target: no row has a value in {', '.join(map(repr, targets))}; name another column")
    log.info("data.missing_target: %d rows without a target are dropped", (~there).sum())
    numbers, n_first = np.flatnonzero(there), len(there) - n_last
    return frame[there], RowNumbers(len(numbers), int(there[n_first:].sum()), numbers, n_first)


def from_images(images: Images, config: Data) -> Columns:
    """Takes an array's inputs unchanged: one input `x` without column names.

    Args:
        images: The array.
        config: The data section.

    Raises:
        DataError: A key is set that names a column, or values are invalid.
    """
    for key, value in (
        ("target", config.target),
        ("drop", config.drop),
        ("sample_weight", config.sample_weight),
        ("split.column", config.split.column),
    ):
        if value:
            raise DataError(f"data.{key}: {config.name} is an array without column names; leave {key} out")
    if images.x.ndim != 2 or len(images.x) != len(images.y):
        raise DataError(f"data.path: x has shape {images.x.shape} and y {images.y.shape}; their rows must match")
    if images.x.dtype.kind == "f" and not np.isfinite(images.x).all():
        raise DataError(f"data.path: {(~np.isfinite(images.x)).sum()} values of x are missing or infinite")
    if images.x.dtype.kind == "f" and max(-images.x.min(), images.x.max()) > LARGEST_VALUE:
        row = int((np.abs(images.x) > LARGEST_VALUE).any(axis=1).argmax())
        raise DataError(f"data.path: x has values beyond {LARGEST_VALUE:g}, first in row {row}; use another unit")
    return Columns({"x": images.x}, {"y": pd.Series(images.y.reshape(-1))}, None)


def require_columns(key: str, columns: Sequence[str], names: Sequence[str]) -> None:
    """Raises DataError if one of the columns is not among the names.

    Args:
        key: The key that names the columns.
        columns: The columns.
        names: All columns of the table.
    """
    unknown = next((name for name in columns if name not in names), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, names, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise DataError(f"{key}: unknown column {unknown!r}{hint} the columns are {', '.join(map(repr, names))}")


def _weight(frame: pd.DataFrame, name: str | None) -> np.ndarray | None:
    if name is None:
        return None
    values = to_float(frame[name])
    if values is None or not np.isfinite(values).all() or (values < 0).any():
        raise DataError(f"data.sample_weight: column {name!r} must hold finite numbers that are not negative")
    return values
