"""Which columns are inputs, targets and weights, and whether their values can be trained on."""

import difflib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.sources import Images, Table
from pipeline.errors import DataError


@dataclass(frozen=True)
class Columns:
    """The columns of a source, each in its role."""

    inputs: dict[str, np.ndarray]
    target: dict[str, pd.Series]
    sample_weight: np.ndarray | None


def from_table(table: Table, config: Data) -> Columns:
    """Picks target, weight and input columns of a table and checks their values.

    Raises:
        DataError: A named column does not exist, or values are text, missing or infinite.
    """
    frame = table.frame.rename(columns=str)
    target = config.target or table.default_target
    if not target:
        raise DataError(f"data.target: name the column to predict; there are {', '.join(map(repr, frame.columns))}")
    targets = [target] if isinstance(target, str) else target
    weights = [config.sample_weight] if config.sample_weight else []
    for key, names in (("data.target", targets), ("data.drop", config.drop), ("data.sample_weight", weights)):
        for name in names:
            _require(key, name, list(frame.columns))
    roles = [*targets, *weights, *config.drop]
    twice = sorted({name for name in roles if roles.count(name) > 1})
    if twice:
        raise DataError(f"data.target, data.sample_weight and data.drop: {', '.join(twice)} is named more than once")
    names = [name for name in frame.columns if name not in roles]
    if not names:
        raise DataError("data.drop: no input columns are left")
    _check_targets(frame[targets])
    decimal = [name for name in targets if pd.api.types.infer_dtype(frame[name]) == "decimal"]
    return Columns(
        inputs=_numeric(frame[names], config.drop),
        target={name: pd.to_numeric(frame[name]) if name in decimal else frame[name] for name in targets},
        sample_weight=_weight(frame, config.sample_weight),
    )


def from_images(images: Images, config: Data) -> Columns:
    """Takes an array's inputs as they are: one input `x` that has no column names.

    Raises:
        DataError: A key that names a column was given.
    """
    for key, value in (("target", config.target), ("drop", config.drop), ("sample_weight", config.sample_weight)):
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


def _numeric(frame: pd.DataFrame, dropped: list[str]) -> dict[str, np.ndarray]:
    """Each column as float64; every column that is not all finite numbers is reported, with a remedy to paste."""
    columns: dict[str, np.ndarray] = {}
    text: dict[str, str] = {}
    gaps: dict[str, str] = {}
    for name in frame.columns:
        values = _to_float(frame[name])
        if values is None:
            row, given = _first_text(frame[name])
            text[name] = f"column {name!r} holds text or dates, first in row {row}: {given!r}"
        elif not np.isfinite(values).all():
            gaps[name] = _gaps(name, values)
        else:
            columns[str(name)] = values
    if text or gaps:
        remedies = ["Inputs must be finite numbers for now."]
        if gaps:
            n_rows = int(frame[list(gaps)].isin([np.nan, np.inf, -np.inf]).any(axis=1).sum())
            remedies.append(f"Remove the {n_rows} rows with gaps from the file, or leave their columns out.")
        out = [*dropped, *text, *(gaps if columns else [])]  # never all of them
        names = ",".join(name if name.isidentifier() else f"'{name}'" for name in out)
        remedies.append(f'Columns are left out with "data.drop=[{names}]".')
        raise DataError("\n".join([*text.values(), *gaps.values(), " ".join(remedies)]))
    return columns


def _to_float(column: pd.Series) -> np.ndarray | None:
    """The column as float64 with NaN for gaps, or None where a value is no number."""
    if _is_date(column):
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    try:
        return pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        return None


def _is_date(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column)


def _first_text(column: pd.Series) -> tuple[int, str]:
    if _is_date(column):
        return 0, str(column.iloc[0])
    converted = pd.to_numeric(column.astype(object), errors="coerce")
    row = int(np.flatnonzero((converted.isna() & column.notna()).to_numpy())[0])
    return row, str(column.iloc[row])


def _gaps(name: object, values: np.ndarray) -> str:
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    counts = [f"{count} {word}" for count, word in ((missing, "missing"), (infinite, "infinite")) if count]
    row = int(np.flatnonzero(~np.isfinite(values))[0])
    return f"column {name!r} has {' and '.join(counts)} values, first in row {row}"


def _check_targets(frame: pd.DataFrame) -> None:
    """Targets may be labels, but not gaps."""
    faults = []
    for name in frame.columns:
        values = _to_float(frame[name])
        if _is_date(frame[name]):
            faults.append(f"column {name!r} holds dates")
        elif values is not None and not np.isfinite(values).all():
            faults.append(_gaps(name, values))
        elif values is None and frame[name].isna().any():
            missing = np.flatnonzero(frame[name].isna().to_numpy())
            faults.append(f"column {name!r} has {len(missing)} missing values, first in row {missing[0]}")
    if faults:
        raise DataError("\n".join(["data.target: every row needs a finite number or a label", *faults]))


def _weight(frame: pd.DataFrame, name: str | None) -> np.ndarray | None:
    if name is None:
        return None
    values = _to_float(frame[name])
    if values is None or not np.isfinite(values).all() or (values < 0).any():
        raise DataError(f"data.sample_weight: column {name!r} must hold finite numbers that are not negative")
    return values
