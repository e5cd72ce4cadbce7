"""What a report holds. Everything is plain Python, so that it can be written as JSON."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.rules import Kind


@dataclass(frozen=True)
class ColumnFacts:
    """One input column, described by its training rows unless stated otherwise. `None` means "does not apply"."""

    name: str
    kind: Kind
    n_inputs: int  # 1, or the width of an array without column names
    n_missing: int  # in all rows
    n_missing_train: int
    n_distinct: int | None  # without gaps
    least: float | str | None  # of numbers and dates, like `mean` and `most`
    mean: float | None
    most: float | str | None
    frequent: dict[str, int]  # of categories and booleans: most frequent values and their number of rows
    shares: list[
        float
    ]  # share of rows by bin: equal widths for numbers; for categories the most frequent values, then the rest
    drift_val: float | None  # population stability index against the training rows; see drift.py
    drift_test: float | None
    strong_drift: list[str]  # the splits whose drift is large, and larger than chance explains
    unseen: dict[str, float]  # of categories: by split, the share of rows with a value that no training row has
    useless: str | None  # why it can be left out; None if it should stay
    score_alone: float | None  # how well it predicts a target without the others; see leakage.py


@dataclass(frozen=True)
class Report:
    """The checks before training, on raw rows."""

    name: str
    fingerprint: str
    task: str
    n_rows: int
    n_columns: int
    n_rows_by_split: dict[str, int]
    n_rows_looked_at: int  # fewer than n_rows if the table is streamed: then everything below describes a sample
    classes: dict[str, dict[str, int]]  # split: label: number of rows; empty for a regression
    ranges: dict[str, dict[str, dict[str, float | None]]]  # output: split: min, mean, max; empty for classes
    target_shares: dict[str, list[float]]  # output: of training rows by bin of equal width; empty for classes
    n_duplicate_rows: int  # copies of an earlier row, targets included
    n_copies_of_training_rows: dict[str, int]  # val and test: rows that are also among the training rows
    suspicious: dict[str, float]  # columns that predict the target suspiciously well alone, and their score
    columns: list[ColumnFacts]
    dropped: list[str] = field(default_factory=list)  # data.drop

    @property
    def useless(self) -> dict[str, str]:
        """Columns that can be left out, and why."""
        return {column.name: column.useless for column in self.columns if column.useless}

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values; it holds no NaN."""
        return dataclasses.asdict(self)
