"""Which rows train, validate and test."""

import logging
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from pipeline.config.rules import Split
from pipeline.data.rows import Rows
from pipeline.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Splits:
    """Row numbers, `(n,)` int64 each, that have no row in common."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def parts(self) -> dict[str, np.ndarray]:
        """Row numbers by the name of the part."""
        return {"train": self.train, "val": self.val, "test": self.test}


def split(rows: Rows, config: Split) -> Splits:
    """Divides the rows.

    Raises:
        DataError: A part has no rows, parts overlap, or a class has no training row.
    """
    kind = config.kind
    if kind == "auto":
        kind = "indices" if config.path else "random" if rows.target.task == "regression" else "stratified"
    if kind == "stratified" and rows.target.task == "regression":
        raise DataError("data.split.kind: stratified needs classes; a regression takes random or indices")
    splits = _from_file(Path(config.path), len(rows)) if config.path else _by_fractions(rows, config, kind)
    _check(splits, rows)
    counts = {name: len(part) for name, part in splits.parts().items()}
    log.info("split %s: %d rows train, %d validate, %d test", kind, *counts.values())
    return splits


def _by_fractions(rows: Rows, config: Split, kind: str) -> Splits:
    numbers = np.arange(len(rows))
    if rows.test_rows is not None:
        if config.test_fraction is not None:
            raise DataError(f"data.split.test_fraction: {rows.name} has official test rows; set it to null")
        rest, test = np.setdiff1d(numbers, rows.test_rows), rows.test_rows
    else:
        if config.test_fraction is None:
            raise DataError(f"data.split.test_fraction: {rows.name} has no official test rows; give a fraction")
        n_test = _count("test_fraction", config.test_fraction, len(rows))
        rest, test = _draw(numbers, n_test, rows, config, kind)
    n_val = _count("val_fraction", config.val_fraction, len(rows) if rows.test_rows is None else len(rest))
    if n_val >= len(rest):
        raise DataError(
            f"data.split: of {len(rows)} rows none are left to train on; use smaller fractions or more rows"
        )
    train, val = _draw(rest, n_val, rows, config, kind)
    return Splits(train, val, test)


def _count(key: str, fraction: float, n_rows: int) -> int:
    count = round(fraction * n_rows)
    if count < 1:
        raise DataError(f"data.split.{key}: {fraction} of {n_rows} rows is no row; use a larger fraction or more rows")
    return count


def _draw(numbers: np.ndarray, n: int, rows: Rows, config: Split, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers without and with `n` of them drawn at random, each in ascending order."""
    labels = rows.target.values[numbers, 0] if kind == "stratified" else None
    try:
        rest, drawn = train_test_split(numbers, test_size=n, random_state=config.seed, stratify=labels)
    except ValueError as error:
        reason = str(error).replace("test_size", "number of rows drawn")
        raise DataError(
            f"data.split.kind: stratified cannot put every class on every side ({reason}); "
            "use data.split.kind=random, larger fractions or more rows"
        ) from None
    return np.sort(rest), np.sort(drawn)


def _from_file(path: Path, n_rows: int) -> Splits:
    path = path.expanduser()
    if not path.is_file():
        raise DataError(f"data.split.path: there is no file {path} (looked for from {Path.cwd()})")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ("train", "val", "test") if name not in file]
            if missing:
                raise DataError(f"data.split.path: {path} lacks {', '.join(missing)}; it has {', '.join(file)}")
            parts = {name: file[name] for name in ("train", "val", "test")}
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"data.split.path: {path} cannot be read as .npz: {error}") from None
    for name, numbers in parts.items():
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise DataError(f"data.split.path: {name} must be a list of whole row numbers, got {numbers.dtype}")
        wrong = (
            numbers[(numbers < 0) | (numbers >= n_rows)] if numbers.dtype.kind == "i" else numbers[numbers >= n_rows]
        )
        if len(wrong):
            raise DataError(f"data.split.path: {name} names row {wrong[0]}, but the data have rows 0 to {n_rows - 1}")
        if len(np.unique(numbers)) < len(numbers):
            raise DataError(f"data.split.path: {name} names a row twice")
    return Splits(**{name: numbers.astype(np.int64) for name, numbers in parts.items()})


def _check(splits: Splits, rows: Rows) -> None:
    parts = splits.parts()
    for name, part in parts.items():
        if not len(part):
            raise DataError(f"data.split: no rows are left for {name}")
        if rows.sample_weight is not None and not rows.sample_weight[part].any():
            raise DataError(f"data.sample_weight: every weight of the {name} rows is 0")
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        common = np.intersect1d(parts[one], parts[other])
        if len(common):
            raise DataError(f"data.split: {len(common)} rows are in both {one} and {other}, first row {common[0]}")
    absent = np.setdiff1d(np.arange(len(rows.target.classes)), rows.target.values[splits.train, 0])
    if len(absent):
        labels = ", ".join(str(rows.target.classes[number]) for number in absent[:5])
        raise DataError(
            f"data.split: no training row has the class {labels}; use data.split.kind=stratified, another "
            "data.split.seed, or more rows of it"
        )
