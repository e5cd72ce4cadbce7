"""What a table's own rows propose for its config: what to predict, and what the checks find."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config import parse
from pipeline.config.quoting import quoted
from pipeline.config.rules import Data
from pipeline.data.checks import Report, report
from pipeline.data.checks.report_text import warnings
from pipeline.data.checks.useless import is_identifier
from pipeline.data.load_dataset import load
from pipeline.data.preprocessing.column_kinds import kinds_of
from pipeline.data.reading import read_tables
from pipeline.data.reading.column_formats import formatted
from pipeline.data.reading.column_roles import require_columns
from pipeline.data.reading.finite import raw_columns
from pipeline.data.reading.raw_columns import TextArray, is_constant
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.splits.divide import kind_of_split
from pipeline.data.streaming import streams
from pipeline.errors import DataError

# Words in names that say what a column is for.
LIKELY = {
    "target", "label", "class", "y", "outcome", "response", "result", "price", "cost", "value", "rating", "score",
    "sales", "income", "quality", "diagnosis", "survived", "churn", "churned", "species",
}  # fmt: skip
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
MAX_CLASSES, MAX_TRIES = 100, 5


@dataclass(frozen=True)
class Proposal:
    """A config's data section that reads and divides a table, and what to report about it."""

    data: Data
    given: tuple[str, ...]  # keys of the section that the user set, such as `split.kind`
    candidates: tuple[str, ...]  # columns that could be the target, the likeliest first; empty if the user named it
    report: Report
    split_kind: str  # what data.split.kind=auto stands for
    n_without_target: int  # rows that are left out because their target is missing
    warnings: tuple[str, ...]

    @property
    def dates(self) -> list[str]:
        """Input columns of dates that could divide the rows in time."""
        return [column.name for column in self.report.columns if column.kind == "date"]


def propose(path: str, words: Sequence[str] = ()) -> Proposal:
    """Reads a table and finds out how `data=table` treats it.

    Args:
        path: Value of `data.path`.
        words: Overrides of the data section, such as `data.target=price`; without a target, the likeliest is taken.

    Raises:
        ConfigError: A word is wrong.
        DataError: The file cannot be read or divided, or no column can be predicted.
    """
    keys = tuple(word.lstrip("+").partition("=")[0].removeprefix("data.") for word in words)
    own = ["data=table", f"data.path={quoted(path)}", *words]
    if "target" in keys:
        return _examined(parse(own, "init").config.data, keys, ())
    unnamed = parse([*own, "data.target=unknown"], "init").config.data
    candidates = _candidates(unnamed.model_copy(update={"target": None}))
    faults = []
    for name in candidates[:MAX_TRIES]:
        try:
            return _examined(unnamed.model_copy(update={"target": name}), keys, candidates)
        except DataError as error:
            faults.append(error)
    raise faults[0]


def _examined(config: Data, keys: tuple[str, ...], candidates: tuple[str, ...]) -> Proposal:
    """Reads, divides and checks the rows as training would."""
    config, n_gaps = _without_gaps(config, keys)
    with _heard() as said:
        dataset = load(config)
        kinds = dataset.fit(config).inputs.kinds
        found = report(dataset, kinds, config.drop)
    kind = kind_of_split(dataset.rows, config.split)
    return Proposal(config, keys, candidates, found, kind, n_gaps, (*said, *warnings(found)))


def _without_gaps(config: Data, keys: Sequence[str]) -> tuple[Data, int]:
    """Counts and leaves out rows without a target, unless the user set `data.missing_target`."""
    if "missing_target" in keys or streams(config):
        return config, 0
    with _heard():
        frame = read_tables(config)[0].rename(columns=str)
    names = [config.target] if isinstance(config.target, str) else config.target or []
    there = [name for name in names if name in frame]  # missing columns are reported when the rows are read
    n_gaps = int(frame[there].isna().any(axis=1).sum()) if there else 0
    return (config.model_copy(update={"missing_target": "drop"}) if n_gaps else config), n_gaps


def _candidates(config: Data) -> tuple[str, ...]:
    """Columns that could be predicted: their values differ and repeat.

    Columns with a telling name come first, then those without gaps. Of the likeliest, the table's last column comes
    first.

    Raises:
        DataError: No column qualifies, or the table is too large to examine all columns.
    """
    if streams(config):
        raise DataError("data.target: name the column to predict, as in data.target=price; the table is read in blocks")
    with _heard():
        frame = read_tables(config)[0].rename(columns=str)
        for key, names in (("data.drop", config.drop), ("data.column_formats", [*config.column_formats])):
            require_columns(key, names, list(map(str, frame)))
        places = RowNumbers(len(frame), 0, None)
        frame = formatted(frame, places, config).drop(columns=config.drop)
        raw = raw_columns(frame, places, config)
        kinds = kinds_of(raw, config)
    found = [
        name
        for name, column in raw.items()
        if not is_constant(column) and kinds[name] != "date" and not is_identifier(column, kinds[name])
        and not (isinstance(column, TextArray) and _n_distinct(frame[name]) > MAX_CLASSES)
    ]  # fmt: skip
    if not found:
        raise DataError("data.target: no column has values that can be predicted; name one, as in data.target=price")
    rank = {name: (not _is_likely(name), bool(frame[name].isna().any())) for name in found}
    best = max((name for name in found if rank[name] == min(rank.values())), key=found.index)
    return (best, *sorted((name for name in found if name != best), key=rank.__getitem__))


def _n_distinct(column: pd.Series) -> int:
    return int(np.count_nonzero(column.dropna().unique()))


def _is_likely(name: str) -> bool:
    return not LIKELY.isdisjoint(word.lower() for word in WORD.findall(name))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collects warnings, which the log does not show meanwhile."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, listener = logging.getLogger("pipeline"), Listener(logging.WARNING)
    passes_on = logger.propagate
    logger.addHandler(listener)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.propagate = passes_on
        logger.removeHandler(listener)


def absolute(path: str) -> str:
    """An absolute path of the same file; a database's address stays as given."""
    return path if "://" in path else str(Path(path).expanduser().absolute())
