"""Which columns are inputs, targets and weights, and whether their values can be trained on."""

import difflib
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.conversion import to_float
from pipeline.data.reading.finite import LARGEST_VALUE, check_targets, raw_columns
from pipeline.data.reading.places import Places
from pipeline.data.reading.raw import Raw
from pipeline.data.reading.sources import Images, Table
from pipeline.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Columns:
    """The columns of a source, each in its role."""

    inputs: dict[str, Raw]
    target: dict[str, pd.Series]
    sample_weight: np.ndarray | None
    split_column: Raw | None = None
    n_test_file_rows: int = 0
    row_numbers: np.ndarray | None = None  # of each row in its file, where some were left out


def from_table(table: Table, config: Data) -> Columns:
    """Picks target, weight and input columns of a table and checks their values.

    Raises:
        DataError: A named column does not exist, targets are missing, or values are infinite.
    """
    frame = table.frame.rename(columns=str)
    target = config.target or table.default_target
    if not target:
        raise DataError(f"data.target: name the column to predict; there are {', '.join(map(repr, frame.columns))}")
    targets = [target] if isinstance(target, str) else target
    weights = [config.sample_weight] if config.sample_weight else []
    splits = [config.split.column] if config.split.column else []
    for key, names in (
        ("data.target", targets),
        ("data.drop", config.drop),
        ("data.sample_weight", weights),
        ("data.split.column", splits),
    ):
        for name in names:
            _require(key, name, list(frame.columns))
    roles = [*targets, *weights, *config.drop]
    twice = sorted({name for name in roles if roles.count(name) > 1})
    if twice:
        raise DataError(f"data.target, data.sample_weight and data.drop: {', '.join(twice)} is named more than once")
    frame, places = _with_target(frame, targets, table, config)
    splits = [name for name in splits if name not in config.columns_as]
    names = [name for name in frame.columns if name not in (*roles, *splits)]
    if not names:
        raise DataError("data.drop: no input columns are left")
    check_targets(frame[targets], places, config)
    decimal = [name for name in targets if pd.api.types.infer_dtype(frame[name]) == "decimal"]
    column = config.split.column
    return Columns(
        inputs=raw_columns(frame[names], places, config),
        target={name: pd.to_numeric(frame[name]) if name in decimal else frame[name] for name in targets},
        sample_weight=_weight(frame, config.sample_weight),
        split_column=raw_columns(frame[[column]], places, config)[column] if column else None,
        n_test_file_rows=places.n_test_file_rows,
        row_numbers=places.numbers,
    )


def _with_target(frame: pd.DataFrame, targets: list[str], table: Table, config: Data) -> tuple[pd.DataFrame, Places]:
    """Drops rows without a target where that is asked for."""
    n_last = table.n_test_file_rows
    everywhere = Places(len(frame), n_last, table.row_numbers)
    if config.missing_target == "error":
        return frame, everywhere
    there = frame[targets].notna().all(axis=1).to_numpy()
    if there.all():
        return frame, everywhere
    if not there.any():
        raise DataError(f"data.target: no row has a value in {', '.join(map(repr, targets))}; name another column")
    if config.split.path:
        raise DataError(
            f"data.missing_target: drop would change the row numbers that {config.split.path} names; remove the "
            f"{(~there).sum()} rows without a target from the file, and make the split anew"
        )
    log.info("data.missing_target: %d rows without a target are dropped", (~there).sum())
    numbers, n_first = np.flatnonzero(there), len(there) - n_last
    numbers[numbers >= n_first] -= n_first
    return frame[there], Places(len(numbers), int(there[n_first:].sum()), numbers)


def from_images(images: Images, config: Data) -> Columns:
    """Takes an array's inputs as they are: one input `x` that has no column names.

    Raises:
        DataError: A key that names a column was given.
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
        raise DataError(f"data.path: x has shape {images.x.shape} and y {images.y.shape}; they must have as many rows")
    if images.x.dtype.kind == "f" and not np.isfinite(images.x).all():
        raise DataError(f"data.path: {(~np.isfinite(images.x)).sum()} values of x are missing or infinite")
    if images.x.dtype.kind == "f" and max(-images.x.min(), images.x.max()) > LARGEST_VALUE:
        row = int((np.abs(images.x) > LARGEST_VALUE).any(axis=1).argmax())
        raise DataError(f"data.path: x has values beyond {LARGEST_VALUE:g}, first in row {row}; give them another unit")
    return Columns({"x": images.x}, {"y": pd.Series(images.y.reshape(-1))}, None)


def _require(key: str, name: str, names: list[str]) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise DataError(f"{key}: there is no column {name!r}{hint} there are {', '.join(map(repr, names))}")


def _weight(frame: pd.DataFrame, name: str | None) -> np.ndarray | None:
    if name is None:
        return None
    values = to_float(frame[name])
    if values is None or not np.isfinite(values).all() or (values < 0).any():
        raise DataError(f"data.sample_weight: column {name!r} must hold finite numbers that are not negative")
    return values
