"""Validation rows that are kept for calibration. They influence no choice, so what is measured on them stays valid."""

import logging
import math
from dataclasses import replace

from pipeline.config.decision_rules import MAX_KEPT, Calibration
from pipeline.config.rules import Split
from pipeline.data.splits.parts import Splits
from pipeline.data.splits.sampling import ByGroup, ByRow, Draw, InTime
from pipeline.errors import DataError

log = logging.getLogger(__name__)

COVERAGES = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)  # that a message suggests
MANY = 1_000  # with at least so many rows that train and validate, some are kept
LARGEST_FRACTION = 0.4  # of val_fraction in a suggestion


def with_calibration(splits: Splits, draw: Draw, config: Split, calibration: Calibration) -> Splits:
    """Takes about half of the validation rows for calibration.

    Args:
        splits: Splits without calibration rows.
        draw: How the rows were divided. Groups stay whole, and the latest rows are taken where time matters.
        config: The section `data.split`.
        calibration: What the rows are for.

    Raises:
        DataError: There are too few validation rows.
    """
    n_val, n_drawn = len(splits.val), len(splits.train) + len(splits.val)
    n_folded = 0 if splits.groups is None else n_drawn
    n = calibration.n_rows(n_val)
    if not n:
        raise too_few(calibration, n_val, n_drawn, config, n_folded)
    alone = ByRow(None, config.seed)
    try:
        val, kept = (draw if isinstance(draw, ByGroup | InTime) else alone)(splits.val, n, sides_left=1)
    except DataError:  # all rows have one group or one time
        val, kept = alone(splits.val, n, sides_left=1)
    if len(kept) < calibration.fewest:
        raise too_few(calibration, n_val, n_drawn, config, n_folded)
    log.info("%s: %d of %d validation rows are kept for it and nothing else", calibration.key, len(kept), n_val)
    return replace(splits, val=val, calibration=kept)


def is_out_of_fold(calibration: Calibration, n_folded: int) -> bool:
    """Whether so few rows train and validate that all of them calibrate, out of fold, instead of some that are kept.

    Args:
        calibration: What the rows are for.
        n_folded: Rows that can be divided into folds; 0 if rows are not drawn at random.
    """
    return calibration.fewest <= n_folded < MANY


def too_few(calibration: Calibration, n_val: int, n_drawn: int, config: Split, n_folded: int = 0) -> DataError:
    """The error for too few validation rows.

    Args:
        calibration: What the rows are for.
        n_val: Number of validation rows.
        n_drawn: Number of rows that they were drawn from.
        config: The section `data.split`.
        n_folded: How many of `n_drawn` can be divided into folds.
    """
    fraction = math.ceil(100 * calibration.fewest / MAX_KEPT / n_drawn) / 100
    by_fraction = config.kind != "column" and config.path is None and fraction <= LARGEST_FRACTION
    lower = [
        c for c in COVERAGES if c < calibration.coverage and _suffice(Calibration(calibration.key, c), n_val, n_folded)
    ]
    remedies = [f"data.split.val_fraction={fraction:g}"] * by_fraction
    remedies += [f"{calibration.key}={lower[0]:g}"] if lower else []
    remedy = f"set {' or '.join(remedies)}" if remedies else f"use more rows, or set {calibration.key}=null"
    return DataError(
        f"{calibration.key}: {calibration.coverage:g} needs at least {calibration.fewest} rows for calibration, at "
        f"most about two thirds of the {n_val} validation rows; {remedy}"
    )


def _suffice(calibration: Calibration, n_val: int, n_folded: int) -> bool:
    return bool(calibration.n_rows(n_val)) or is_out_of_fold(calibration, n_folded)
