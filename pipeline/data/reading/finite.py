"""Checks that one can train on a table's values: they are finite, and not too large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.conversion import is_date, raw_column, to_float
from pipeline.data.reading.csv_file import kept_texts
from pipeline.data.reading.input_column import LARGEST_VALUE
from pipeline.data.reading.overrides import as_gaps
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.errors import DataError
from pipeline.runtime.threads import in_threads

SHOWN = 3  # values that the remedy lists


def raw_columns(frame: pd.DataFrame, places: RowNumbers, config: Data) -> dict[str, RawColumn]:
    """Each column as the exported model takes it.

    Args:
        frame: The table's inputs.
        places: Where a user finds each row.
        config: The data section.

    Raises:
        DataError: Columns have values that are infinite or beyond LARGEST_VALUE; with the first row of each.
    """
    series = [frame[name] for name in frame.columns]
    kept = kept_texts(config)
    columns = in_threads(
        lambda one: raw_column(one, config.decimal, kept.get(one.name), config.missing_values),
        series,
        n_rows=len(frame),
    )
    found = dict(zip(frame.columns, in_threads(_beyond, columns, n_rows=len(frame)), strict=True))
    faults, values = [], []
    for (name, rows), column in zip(found.items(), columns, strict=True):
        if len(rows):
            beyond = np.asarray(column)[rows]
            faults.append(f"column {name!r} has {_counted(beyond)} values, first in {places(rows[0])}")
            values += beyond.tolist()
    if faults:
        remedy = "makes them gaps, data.drop=[...] leaves columns out; or use another unit for large values"
        said = f"Inputs must be finite, and at most {LARGEST_VALUE:g}. {_as_gaps(values, config)} {remedy}"
        raise DataError("\n".join([*faults, said]))
    return dict(zip(frame.columns, columns, strict=True))


def _beyond(values: RawColumn) -> np.ndarray:
    """The rows that have infinite or too large values."""
    return np.flatnonzero([] if isinstance(values, TextArray) else np.abs(values) > LARGEST_VALUE)


def _counted(beyond: np.ndarray) -> str:
    infinite = int(np.isinf(beyond).sum())
    large = f"{len(beyond) - infinite} too large ({beyond[np.isfinite(beyond)][:1].sum():g})"
    return " and ".join([f"{infinite} infinite"] * (infinite > 0) + [large] * (len(beyond) > infinite))


def _as_gaps(values: Sequence[float], config: Data) -> str:
    """The override that makes gaps of values, as text: Hydra would read an unquoted inf as a number."""
    return as_gaps([repr(value) for value in dict.fromkeys(values)][:SHOWN], config.missing_values)


def check_targets(frame: pd.DataFrame, places: RowNumbers, config: Data) -> None:
    """Checks that targets have no gaps; they may be labels.

    Args:
        frame: The table's targets.
        places: Where a user finds each row.
        config: The data section.

    Raises:
        DataError: Targets are missing, infinite or dates; with the first row of each column.
    """
    faults, infinite = [], []
    for name in frame.columns:
        values = to_float(frame[name])
        if is_date(frame[name]):
            faults.append(f"column {name!r} holds dates")
        elif values is not None and not np.isfinite(values).all():
            faults.append(_gaps(frame[name], values, places))
            infinite += values[np.isinf(values)].tolist()
        elif values is None and frame[name].isna().any():
            missing = np.flatnonzero(frame[name].isna().to_numpy())
            faults.append(f"column {name!r} has {len(missing)} missing values, first in {places(missing[0])}")
    if faults:
        also = f" {_as_gaps(infinite, config)}" if infinite else ""
        rule = f"every row needs a finite number or a label; data.missing_target=drop{also} leaves rows without one out"
        raise DataError("\n".join([f"data.target: {rule}", *faults]))


def _gaps(column: pd.Series, values: np.ndarray, places: RowNumbers) -> str:
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    counts = [f"{count} {word}" for count, word in ((missing, "missing"), (infinite, "infinite")) if count]
    first = places(np.flatnonzero(~np.isfinite(values))[0])
    return f"column {column.name!r} has {' and '.join(counts)} values, first in {first}"
