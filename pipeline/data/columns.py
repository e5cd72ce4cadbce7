"""Which columns are inputs, targets and weights, and whether their values can be trained on."""

import difflib
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.places import Places
from pipeline.data.raw import Raw, Text
from pipeline.data.sources import Images, Table
from pipeline.data.tables.values import has_points, is_padded
from pipeline.data.threads import in_threads
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
    _check_targets(frame[targets], places)
    decimal = [name for name in targets if pd.api.types.infer_dtype(frame[name]) == "decimal"]
    column = config.split.column
    return Columns(
        inputs=_raw(frame[names], places, config.decimal),
        target={name: pd.to_numeric(frame[name]) if name in decimal else frame[name] for name in targets},
        sample_weight=_weight(frame, config.sample_weight),
        split_column=_raw(frame[[column]], places, config.decimal)[column] if column else None,
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
    return Columns({"x": images.x}, {"y": pd.Series(images.y.reshape(-1))}, None)


def _require(key: str, name: str, names: list[str]) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise DataError(f"{key}: there is no column {name!r}{hint} there are {', '.join(map(repr, names))}")


def _raw(frame: pd.DataFrame, places: Places, decimal: str) -> dict[str, Raw]:
    """Each column as the exported model takes it."""
    series = [frame[name] for name in frame.columns]
    columns = in_threads(lambda column: _raw_column(column, decimal), series, n_rows=len(frame))
    found = in_threads(_infinite, columns, n_rows=len(frame))
    faults = [
        f"column {name!r} has {len(infinite)} infinite values, first in {places(infinite[0])}"
        for name, infinite in zip(frame.columns, found, strict=True)
        if len(infinite)
    ]
    if faults:
        remedy = "data.missing_values=[inf] takes them as gaps, data.drop=[...] leaves columns out"
        raise DataError("\n".join([*faults, f"Inputs must be finite. {remedy}"]))
    return dict(zip(frame.columns, columns, strict=True))


def _infinite(values: Raw) -> np.ndarray:
    """The numbers of the rows that have infinite values."""
    return np.flatnonzero([] if isinstance(values, Text) else np.isinf(values))


def _raw_column(column: pd.Series, decimal: str) -> Raw:
    if not isinstance(column.dtype, pd.StringDtype):
        numbers = _to_float(column)
        return to_text(column) if numbers is None else numbers
    codes, found = pd.factorize(column)  # each text once; -1 for a gap
    distinct = pd.Series(found)
    numbers = _to_float(distinct)
    if numbers is not None and decimal != "." and has_points(distinct):
        said = "column %r has values with a point, such as %s, though data.decimal is %r: they are taken as text"
        log.warning(said, column.name, distinct[distinct.str.contains(".", regex=False)].iloc[0], decimal)
        numbers = None
    if numbers is None or is_padded(distinct):
        return _texts(str(column.name), codes, found)
    return np.append(numbers, np.nan)[codes]


def to_text(column: pd.Series) -> Text:
    """Text without blanks around it; dates as ISO 8601."""
    codes, found = pd.factorize(column)
    if pd.api.types.is_datetime64_any_dtype(column):
        return Text.from_levels(codes, [*pd.DatetimeIndex(found).strftime("%Y-%m-%dT%H:%M:%S"), ""])
    return _texts(str(column.name), codes, found)


def _texts(name: str, codes: np.ndarray, found: pd.Index) -> Text:
    text = Text.from_levels(codes, [*(str(value).strip() for value in found.to_numpy(object)), ""])
    _hint_at_marks(name, text.levels[text.levels != ""])
    return text


def _hint_at_marks(name: str, distinct: np.ndarray) -> None:
    """Says in the log which few texts keep a column of numbers from being one."""
    for few in (distinct[:100], distinct):
        others = few[pd.to_numeric(pd.Series(few, dtype=object), errors="coerce").isna()]
        if len(others) > 3:
            return
    if (len(distinct) - len(others)) / 10 > 3:
        marks = ", ".join(others)
        said = "column %r holds numbers but for %s; data.missing_values=[%s] makes gaps of them"
        log.warning(said, name, marks, marks)


def _to_float(column: pd.Series) -> np.ndarray | None:
    """The column as float64 with NaN for gaps, or None where a value is no number."""
    if _is_date(column) or _starts_with_text(column):
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if column.dtype == np.float64:
        return column.to_numpy()
    try:
        return pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        return None


def _starts_with_text(column: pd.Series) -> bool:
    """Whether the first text of a column is no number: then the others need not be looked at."""
    if not isinstance(column.dtype, pd.StringDtype):
        return False
    first = column.first_valid_index()
    return first is not None and bool(pd.to_numeric(pd.Series([column[first]]), errors="coerce").isna().all())


def _is_date(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column)


def _gaps(column: pd.Series, values: np.ndarray, places: Places) -> str:
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    counts = [f"{count} {word}" for count, word in ((missing, "missing"), (infinite, "infinite")) if count]
    first = places(np.flatnonzero(~np.isfinite(values))[0])
    return f"column {column.name!r} has {' and '.join(counts)} values, first in {first}"


def _check_targets(frame: pd.DataFrame, places: Places) -> None:
    """Targets may be labels, but not gaps."""
    faults = []
    for name in frame.columns:
        values = _to_float(frame[name])
        if _is_date(frame[name]):
            faults.append(f"column {name!r} holds dates")
        elif values is not None and not np.isfinite(values).all():
            faults.append(_gaps(frame[name], values, places))
        elif values is None and frame[name].isna().any():
            missing = np.flatnonzero(frame[name].isna().to_numpy())
            faults.append(f"column {name!r} has {len(missing)} missing values, first in {places(missing[0])}")
    if faults:
        rule = "every row needs a finite number or a label; data.missing_target=drop leaves rows without one out"
        raise DataError("\n".join([f"data.target: {rule}", *faults]))


def _weight(frame: pd.DataFrame, name: str | None) -> np.ndarray | None:
    if name is None:
        return None
    values = _to_float(frame[name])
    if values is None or not np.isfinite(values).all() or (values < 0).any():
        raise DataError(f"data.sample_weight: column {name!r} must hold finite numbers that are not negative")
    return values
