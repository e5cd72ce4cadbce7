"""Warns before training of columns that look like something they are not read as, with the key that reads them so."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.config.quoting import by_column
from pipeline.config.rules import Data
from pipeline.data.ops import NumpyOps
from pipeline.data.reading.dates import FORMATS, format_of
from pipeline.data.reading.input_column import EXACT
from pipeline.data.reading.notation import is_date
from pipeline.data.reading.overrides import as_gaps
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.reading.suggest_formats import (
    FEWEST,
    are_thousands,
    formats_that_read,
    key_that_reads,
    may_be_thousands,
)
from pipeline.data.reading.unread import unread_as
from pipeline.data.rows import Rows
from pipeline.data.streaming.text_blocks import beginning_of
from pipeline.errors import DataError

log = logging.getLogger(__name__)

LARGEST_ID = 1e22  # larger whole numbers are quantities
MAX_ROWS = 100_000  # the most rows that are searched for marks of gaps
MIN_MARKS, MARKS_SHARE = 5, 0.005  # rows with a mark, and their share
MAX_TEXTS = 20_000  # of a column that are examined
NINES = re.compile(r"-99+")  # stands for a gap even in a single column
NEARLY, SHOWN = 0.9, 3  # share of texts that are dates; others that a message shows


def tell(rows: Rows, config: Data) -> None:
    """Warns of columns that hold something other than what they are taken for.

    Args:
        rows: Raw rows; of a table read in blocks, a sample.
        config: The data section.
    """
    inputs = {name: column for name, column in rows.inputs.items() if column.ndim == 1}
    declared = {*config.column_kinds, *config.column_formats}
    free = {name: column for name, column in inputs.items() if name not in declared}
    texts = {name: column.present() for name, column in free.items() if isinstance(column, TextArray)}
    numbers = {name: column for name, column in inputs.items() if not isinstance(column, TextArray)}
    _tell_of_texts({name: distinct for name, distinct in texts.items() if format_of(distinct) is None}, config)
    labels = rows.target.classes if rows.target.classes.dtype == object else np.array([], object)
    for name, distinct in (*texts.items(), *((name, labels) for name in rows.target.names)):
        _tell_of_lookalikes(name, distinct)
    if ids := [name for name in free if name in numbers and _loses_digits(numbers[name])]:
        said = "column %s has whole numbers beyond 2**53, whose last digits are lost; to read each as text, set %s"
        remedy = by_column("data.column_kinds", config.column_kinds | dict.fromkeys(ids, "category"))
        log.warning(said, ", ".join(map(repr, ids)), remedy)
    values = rows.target.values if rows.target.task == "regression" else np.empty((0, 0))
    targets = dict(zip(rows.target.names, values.T, strict=False))
    _tell_of_points(numbers, targets, config)
    _tell_of_marks(numbers, targets, config)


def _tell_of_texts(texts: Mapping[str, np.ndarray], config: Data) -> None:
    """Warns of texts that are numbers or dates and are not read as such; dates that are read are not included."""
    in_dress = _tell_of_dress(texts, config)
    for name, distinct in texts.items():
        if name not in in_dress and not _tell_of_odd_dates(name, distinct):
            _tell_of_unread(name, distinct, config)


def _tell_of_dress(texts: Mapping[str, np.ndarray], config: Data) -> set[str]:
    """Warns of columns that `data.column_formats` can read, and returns their names."""
    found = {name: formats for name, distinct in texts.items() if (formats := formats_that_read(distinct))}
    if not found:
        return set()
    shown = [f"{name!r} (as {texts[name][texts[name] != ''][0]!r})" for name in found]
    also = [f"{name} by {' or '.join(map(repr, others))}" for name, (_, *others) in found.items() if others]
    log.warning(
        "text that looks like numbers or dates but is taken for categories: %s. To read it, set %s%s",
        ", ".join(shown),
        key_that_reads(config.column_formats | {name: formats[0] for name, formats in found.items()}),
        f"; or {', '.join(also)}" if also else "",
    )
    return set(found)


def _tell_of_unread(name: str, distinct: np.ndarray, config: Data) -> None:
    """Warns of a column of numbers or dates that no setting reads."""
    if (kind := unread_as(distinct)) is None:
        return
    log.warning(
        "column %r holds %s, such as %r, and is taken for categories; for %s, %s; if these are categories, set %s",
        name,
        kind.what,
        kind.example(distinct),
        "dates" if kind.is_date else "numbers",
        kind.remedy,
        by_column("data.column_kinds", config.column_kinds | {name: "category"}),
    )


def _tell_of_odd_dates(name: str, distinct: np.ndarray) -> bool:
    """Warns of a column of dates that a few other texts turn into categories; returns whether it is one."""
    there = distinct[distinct != ""]
    if len(there) < FEWEST:
        return False
    few = there[:: 1 + len(there) // FEWEST].tolist()
    for written in FORMATS:
        if np.mean([is_date(written.name, text) for text in few]) < NEARLY:
            continue
        others = there[np.isnan(written.days(NumpyOps(), there))]
        if 0 < len(others) <= (1 - NEARLY) * len(there):
            shown = ", ".join(map(repr, others[:SHOWN].tolist())) + (", ..." if len(others) > SHOWN else "")
            said = "column %r holds dates as %s except %s, so it is taken for categories; correct or empty these"
            log.warning(said, name, written.name, shown)
            return True
    return False


def _tell_of_lookalikes(name: str, distinct: np.ndarray) -> None:
    """Warns of texts that look the same but differ, by a combining accent or a letter without width."""
    seen: dict[str, str] = {}
    for text in distinct[:MAX_TEXTS].tolist():
        if text.isascii():
            seen.setdefault(text, text)
            continue
        shown = "".join(letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) != "Cf")
        if (other := seen.setdefault(shown, text)) != text:
            said = "column %r has texts that look the same but differ, such as %a and %a; write them alike"
            log.warning(said, name, other, text)
            return


def _loses_digits(values: RawColumn) -> bool:
    numbers = np.asarray(values)
    lowest, highest = (float(end.reduce(numbers, initial=0.0)) for end in (np.fmin, np.fmax))
    if max(-lowest, highest) < EXACT:  # true of most columns, and cheaper than to examine each number
        return False
    sizes, there = np.abs(numbers), numbers[~np.isnan(numbers)]
    return bool(((sizes >= EXACT) & (sizes < LARGEST_ID)).any() and (there == np.floor(there)).all())


def _tell_of_points(inputs: Mapping[str, RawColumn], targets: Mapping[str, np.ndarray], config: Data) -> None:
    """Warns of columns whose points may separate thousands; refuses such a target.

    Raises:
        DataError: The target may be read a thousand times too small.
    """
    columns = {name: np.asarray(values) for name, values in {**inputs, **targets}.items()}
    free = columns.keys() - config.column_formats.keys()
    may_be = [name for name in columns if name in free and may_be_thousands(columns[name])]
    texts = beginning_of(config, may_be) if may_be else {}
    for name in filter(lambda name: are_thousands(texts[name]), texts):
        said = _of_points(name, texts[name], config)
        if name in targets:
            decimals = key_that_reads(config.column_formats | {name: "1.5"})
            raise DataError(f"data.target: {said}; if they are decimal points, set {decimals}")
        log.warning(said)


def _of_points(name: str, texts: Sequence[str], config: Data) -> str:
    whole, pointed = (next(text for text in texts if ("." in text) == has) for has in (False, True))
    thousands = key_that_reads(config.column_formats | {name: "1.234,5"})
    said = f"column {name!r} has whole numbers, such as {whole}, as well as {pointed}"
    return f"{said}; if its points separate thousands, set {thousands}"


def _tell_of_marks(inputs: Mapping[str, RawColumn], targets: Mapping[str, np.ndarray], config: Data) -> None:
    """Warns of a number that stands for a gap: far outside, frequent, and the same in several columns."""
    by_mark: dict[float, dict[str, float]] = {}
    for name, values in {**inputs, **targets}.items():
        for mark, share in _marks_in(np.asarray(values)).items():
            by_mark.setdefault(mark, {})[name] = share
    for mark, shares in by_mark.items():
        if len(shares) == 1 and not NINES.fullmatch(f"{mark:.0f}"):
            continue
        shown = ", ".join(f"{name!r} ({share:.1%} of rows)" for name, share in shares.items())
        drop = ", and data.missing_target=drop to leave out the rows whose target it is" * bool(targets.keys() & shares)
        said = "%.0f is far from all other values of %s; if it stands for a gap, set %s%s"
        log.warning(said, mark, shown, as_gaps([int(mark)], config.missing_values), drop)


def _marks_in(values: np.ndarray) -> dict[float, float]:
    """Whole numbers at an end of a column's values, further from the rest than the rest spreads."""
    few = values[:: 1 + len(values) // MAX_ROWS]
    there = few[~np.isnan(few)] if few.dtype.kind == "f" else few
    found = {}
    for mark in {there.min(), there.max()} if len(there) else ():
        others = there[there != mark]
        n_marks = len(there) - len(others)
        if n_marks < max(MIN_MARKS, MARKS_SHARE * len(there)) or not len(others) or mark != round(mark):
            continue
        low, high = others.min(), others.max()
        if max(low - mark, mark - high) > high - low and len(np.unique(others)) >= FEWEST:
            found[float(mark)] = n_marks / len(there)
    return found
