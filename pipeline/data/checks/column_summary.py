"""Summarizes a column: gaps, distinct values, their distribution, and how it differs between the splits."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.config.rules import Kind
from pipeline.data.checks.drift import level_bins, number_bins, stability, unseen_share
from pipeline.data.checks.facts import ColumnFacts
from pipeline.data.checks.levels import Levels, label, levels
from pipeline.data.checks.useless import n_distinct_numbers
from pipeline.data.ops import NumpyOps
from pipeline.data.reading.dates import format_of
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.splits import Splits

N_FREQUENT = 10
N_BARS = 20


@dataclass(frozen=True)
class Findings:
    """What other checks found out about a column."""

    useless: str | None
    score_alone: float | None


def describe(name: str, column: RawColumn, kind: Kind, splits: Splits, findings: Findings) -> ColumnFacts:
    """Describes a raw column `(n_rows,)`, or an array without column names `(n_rows, n_inputs)` as a whole.

    Args:
        name: The column.
        column: Its raw values.
        kind: What they are.
        splits: Which rows train, validate and test.
        findings: What other checks found out about the column.
    """
    if not isinstance(column, TextArray) and column.ndim == 2:
        return _array(name, column, kind, splits)
    if not isinstance(column, TextArray) and kind == "numeric":
        return _numbers(name, column.astype(np.float64, copy=False), kind, splits, findings)
    found = levels(column)
    if isinstance(column, TextArray) and kind == "date":
        return _date(name, column, splits, findings)
    return _levels(name, found, kind, splits, findings)


def _array(name: str, array: np.ndarray, kind: Kind, splits: Splits) -> ColumnFacts:
    """Describes the whole array: its columns have no names, and there may be many."""
    train = array[splits.train]
    least, most = float(train.min()), float(train.max())
    counts, _ = np.histogram(train, bins=N_BARS)
    return ColumnFacts(
        name=name, kind=kind, n_inputs=array.shape[1], n_missing=0, n_missing_train=0, n_distinct=None, least=least,
        mean=_finite(train.mean(dtype=np.float64)), most=most, frequent={}, shares=_shares(counts), drift_val=None,
        drift_test=None, strong_drift=[], unseen={}, useless=None, score_alone=None,
    )  # fmt: skip


def _numbers(name: str, numbers: np.ndarray, kind: Kind, splits: Splits, findings: Findings) -> ColumnFacts:
    train = numbers[splits.train]
    ordered = np.sort(train[~np.isnan(train)])
    indexes, strong = _drifts(number_bins(numbers, ordered), splits)
    with np.errstate(over="ignore", invalid="ignore"):  # sums of huge numbers overflow; then the mean is left out
        mean = _finite(ordered.mean()) if len(ordered) else None
    return ColumnFacts(
        name=name, kind=kind, n_inputs=1, n_missing=int(np.isnan(numbers).sum()),
        n_missing_train=len(train) - len(ordered), n_distinct=n_distinct_numbers(ordered),
        least=float(ordered[0]) if len(ordered) else None, mean=mean, most=float(ordered[-1]) if len(ordered) else None,
        frequent={}, shares=_shares(_heights(ordered)), drift_val=indexes["val"], drift_test=indexes["test"],
        strong_drift=strong, unseen={}, useless=findings.useless, score_alone=findings.score_alone,
    )  # fmt: skip


def _date(name: str, column: TextArray, splits: Splits, findings: Findings) -> ColumnFacts:
    """Describes dates by elapsed days. Text that is not a date counts as a gap; if no text is a date, it is sorted."""
    train = column[splits.train]
    written = format_of(train.present())
    days = written.days(NumpyOps(), column.levels) if written else _alphabetical(column.levels)
    described = _numbers(name, days[column.codes], "date", splits, findings)
    if described.least is None:
        return described
    first, last = (column.levels[np.flatnonzero(days == day)[0]] for day in (described.least, described.most))
    return replace(described, least=label(first), mean=None, most=label(last))


def _alphabetical(texts: np.ndarray) -> np.ndarray:
    return np.where(texts == "", np.nan, np.argsort(np.argsort(texts)))


def _levels(name: str, found: Levels, kind: Kind, splits: Splits, findings: Findings) -> ColumnFacts:
    train = found.codes[splits.train]
    counts = np.bincount(train[train >= 0], minlength=len(found.values))
    frequent = np.argsort(-counts, kind="stable")[:N_FREQUENT]
    frequent = frequent[counts[frequent] > 0]
    indexes, strong = _drifts(level_bins(found, frequent, counts, splits.train), splits)
    unseen = {part: unseen_share(found.codes[getattr(splits, part)], counts) for part in ("val", "test")}
    top, n_present = counts[frequent], int(counts.sum())
    return ColumnFacts(
        name=name, kind=kind, n_inputs=1, n_missing=int((found.codes < 0).sum()),
        n_missing_train=len(train) - n_present, n_distinct=int(np.count_nonzero(counts)), least=None, mean=None,
        most=None, frequent={label(found.values[code]): int(counts[code]) for code in frequent},
        shares=_shares(np.append(top, n_present - top.sum())), drift_val=indexes["val"], drift_test=indexes["test"],
        strong_drift=strong, unseen=unseen, useless=findings.useless, score_alone=findings.score_alone,
    )  # fmt: skip


def distribution(numbers: np.ndarray) -> list[float]:
    """Shares of numbers `(n,)` without gaps, by bin of equal width."""
    return _shares(_heights(np.sort(numbers)))


def _drifts(bins: np.ndarray, splits: Splits) -> tuple[dict[str, float], list[str]]:
    """The drift index of val and test, and which of the two drift strongly."""
    train = bins[splits.train]
    found = {part: stability(train, bins[getattr(splits, part)]) for part in ("val", "test")}
    return {part: index for part, (index, _) in found.items()}, [part for part, (_, strong) in found.items() if strong]


def _heights(ordered: np.ndarray) -> np.ndarray:
    """Counts sorted numbers in each of N_BARS bins of equal width."""
    if not len(ordered):
        return np.array([], np.int64)
    if ordered[0] == ordered[-1]:
        return np.array([len(ordered)])
    along = np.arange(1, N_BARS) / N_BARS
    edges = ordered[0] * (1 - along) + ordered[-1] * along  # not from the width, which may overflow float64
    return np.diff([0, *np.searchsorted(ordered, edges), len(ordered)])


def _shares(counts: np.ndarray) -> list[float]:
    return [round(float(share), 4) for share in counts / max(1, counts.sum())]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
