"""From rows to splits: the kinds of split, and the checks that apply to all of them."""

import logging
import math
from pathlib import Path

import numpy as np

from pipeline.config.decision_rules import Calibration
from pipeline.config.rules import FOLD_KINDS, Split
from pipeline.data.rows import Rows
from pipeline.data.splits.calibration_rows import is_out_of_fold, with_calibration
from pipeline.data.splits.column import distinct_values, times
from pipeline.data.splits.folds import rows_of_fold
from pipeline.data.splits.given import from_column, from_file
from pipeline.data.splits.parts import Splits, require_rows
from pipeline.data.splits.sampling import ByGroup, ByRow, Draw, InTime
from pipeline.data.splits.uneven import UnevenClassesError, remedies, without_training_rows
from pipeline.errors import DataError

log = logging.getLogger(__name__)


def split(rows: Rows, config: Split, calibration: Calibration | None = None) -> Splits:
    """Divides the rows.

    Args:
        rows: All rows.
        config: The section `data.split`.
        calibration: What validation rows are kept for; None keeps none.

    Raises:
        DataError: A part has no rows, the rows cannot be divided in this way, or a class has no training row.
    """
    try:
        splits = _divided(rows, config)
    except UnevenClassesError as error:
        raise DataError(f"{error}{remedies(rows, config, lambda other: _can_be_divided(rows, other))}") from None
    counts = {name: len(part) for name, part in splits.parts().items()}
    log.info("split %s: %d rows train, %d validate, %d test", kind_of_split(rows, config), *counts.values())
    if calibration is None:
        return splits
    n_folded = 0 if splits.groups is None else len(splits.train) + len(splits.val)
    if is_out_of_fold(calibration, n_folded):
        return splits
    divided = with_calibration(splits, _draw(rows, config, kind_of_split(rows, config)), config, calibration)
    _check(divided, rows)
    return divided


def _can_be_divided(rows: Rows, config: Split) -> bool:
    try:
        _divided(rows, config)
    except DataError:
        return False
    return True


def _divided(rows: Rows, config: Split) -> Splits:
    kind = kind_of_split(rows, config)
    if config.path:
        splits = from_file(Path(config.path), len(rows), rows.row_numbers)
    elif kind == "column":
        splits = from_column(rows, config)
    else:
        splits = _drawn(rows, config, kind)
    _check(splits, rows)
    return splits


def kind_of_split(rows: Rows, config: Split) -> str:
    """The kind of split: `auto` depends on the path and the task.

    Args:
        rows: All rows.
        config: The section `data.split`.
    """
    if config.kind == "auto":
        return "indices" if config.path else "random" if rows.target.task == "regression" else "stratified"
    if config.kind == "stratified" and rows.target.task == "regression":
        raise DataError("data.split.kind: stratified needs classes; for a regression use data.split.kind=random")
    return config.kind


def _drawn(rows: Rows, config: Split, kind: str) -> Splits:
    """Draws the test rows, unless they are given, and then the validation rows from the rest."""
    given = _given_test_rows(rows, config, kind)
    draw = _draw(rows, config, kind)
    if kind in FOLD_KINDS:
        given = rows_of_fold(rows, config, draw.groups if isinstance(draw, ByGroup) else None)
    numbers = np.arange(len(rows))
    if given is None:
        if config.test_fraction is None:
            raise DataError(f"data.split.test_fraction: {rows.name} has no official test rows; give a fraction")
        n_test, n_val = _n_rows("test", config.test_fraction, len(rows)), _n_rows("val", config.val_fraction, len(rows))
        _check_rest(len(rows) - n_test - n_val, rows)
        rest, test = draw(numbers, n_test, sides_left=2)
    else:
        rest, test = np.delete(numbers, given), given
        draw.check_given(rest, test)
        n_val = _n_rows("val", config.val_fraction, len(rest))
        _check_rest(len(rest) - n_val, rows)
    # The number of test rows may differ from the requested one, because groups stay whole.
    train, val = draw(rest, min(n_val, len(rest) - 1), sides_left=1)
    if isinstance(draw, InTime):
        return Splits(train, val, test)
    return Splits(train, val, test, groups=draw.groups if isinstance(draw, ByGroup) else numbers)


def _given_test_rows(rows: Rows, config: Split, kind: str) -> np.ndarray | None:
    """The rows of a separate test file, or those that the data set defines as official."""
    if rows.n_test_file_rows:
        if kind in FOLD_KINDS:
            raise DataError(
                f"data.split.test_path: {kind} tests every row in one of the folds, so it takes no test file; "
                "leave test_path out or use data.split.kind=auto"
            )
        return np.arange(len(rows) - rows.n_test_file_rows, len(rows))
    if rows.test_rows is not None:
        if kind in FOLD_KINDS:
            raise DataError(f"data.split.kind: {rows.name} has official test rows; use auto instead of {kind}")
        if config.test_fraction is not None:
            raise DataError(f"data.split.test_fraction: {rows.name} has official test rows; set it to null")
    return rows.test_rows


def _draw(rows: Rows, config: Split, kind: str) -> Draw:
    if kind in ("group", "group_kfold"):
        return ByGroup(*distinct_values(rows, config), column=str(config.column), seed=config.seed)
    if kind == "time":
        return InTime(*times(rows, config), column=str(config.column))
    balanced = kind == "stratified" or (kind == "kfold" and rows.target.task != "regression")
    return ByRow(rows.target if balanced else None, seed=config.seed)


def _n_rows(part: str, fraction: float, n_rows: int) -> int:
    count = round(fraction * n_rows)
    if count < 1:
        remedy = f"use at least {math.ceil(1000 / n_rows) / 1000:g}" if n_rows > 1 else "use more rows"
        raise DataError(f"data.split.{part}_fraction: {fraction} of {n_rows} rows selects 0 rows; {remedy}")
    return count


def _check_rest(n_rest: int, rows: Rows) -> None:
    if n_rest < 1:
        raise DataError(
            f"data.split: none of {len(rows)} rows are left to train on; use smaller fractions or more rows"
        )


def _check(splits: Splits, rows: Rows) -> None:
    parts, weight = splits.parts(), rows.sample_weight
    weights = {} if weight is None else {name: float(weight[part].sum()) for name, part in parts.items()}
    require_rows({name: len(part) for name, part in parts.items()}, weights)
    if rows.target.task == "regression":
        return
    counts = np.bincount(rows.target.values[splits.train, 0], minlength=len(rows.target.classes))
    if not counts.all():
        raise UnevenClassesError(without_training_rows(rows.target.classes[counts == 0]))
