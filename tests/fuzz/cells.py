"""Generated cells by all ways in which rows reach a model: each must mean the same, or be refused by row and column."""

from __future__ import annotations

import datetime
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from pipeline.data.reading.input_column import BOOLEANS, InputColumn
from pipeline.data.reading.notation import DATE_PATTERNS, WITH_OFFSET
from support.six_ways import Asked, Outcome, Refused
from support.six_ways_models import models_in

ROWS = 25  # cells that go by one file, body or frame, where all of them can be taken
BLANKS = ["", "", "", " ", "  ", "\u00a0", "\u202f", "\u3000", "\u2003"]
MARKS = (
    "", "?", "NA", "nan", "NaN", "NAN", "None", "null", "-9999", "-9999.0", "unknown", "N/A", "<NA>", "-nan", "NULL",
)  # fmt: skip
WORDS = (
    "Bern", "Köln", "St. Gallen, SG", "good", "x", "A1", "Atlantis", "naïve 東京", "o'clock", 'say "so"', "a;b", "0x10",
    "५", "1,2,3",
)  # fmt: skip
TRUTH = ["True", "False", "true", "FALSE"]
ZONES = [datetime.UTC, ZoneInfo("Europe/Zurich"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns")]
NUMBERS = (
    "{:g}", "{:g}", "{:.2f}", "{:.0f}", "{:e}", "{:+g}", "{:,.1f}", "${:,.0f}", "{:.1f} kg", "{:.1f}%", "({:.1f})",
    "inf",
)  # fmt: skip
ENDS = ("", "", " {}", "T{}:07", "T{}:30.25Z", "T{}+02:00", " {} -0330", "T{}+05", " {} PM")  # of a date
TYPED_SHARE = 0.4
TWICE = frozenset({"frame", "pyfunc of its type", "Arrow", "Parquet file"})  # of a typed cell: a column of its own
Ways = Callable[[list[Any]], Iterable[tuple[str, Outcome]]]


def cell_differences(count: int, seed: int) -> list[str]:
    """Reads random cells, and lists those on which the ways disagree, or which end without a message.

    Args:
        count: Cells, spread over the columns of all models.
        seed: Of the generator; the same cells come again.
    """
    rng, found = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as name, models_in(Path(name)) as models:
        columns = [(asked, column) for asked in models.values() for column in asked.base]
        per_column = np.bincount(rng.integers(0, len(columns), count), minlength=len(columns))
        for (asked, column), n_cells in zip(columns, per_column.tolist(), strict=True):
            n_typed = int(rng.binomial(n_cells, TYPED_SHARE))
            texts = [_text(rng, asked.about(column)) for _ in range(n_cells - n_typed)]
            found += _of_texts(asked, column, list(dict.fromkeys(texts)), Path(name))
            for _ in range(n_typed):
                found += _of_type(asked, column, _typed(rng), Path(name))
    return found


def _of_texts(asked: Asked, column: str, texts: list[str], folder: Path) -> Iterator[str]:
    """What is taken goes together; what is refused would hide the others, and goes alone."""
    taken = [text for text in texts if not isinstance(_meaning(asked.about(column), text), Refused)]
    groups = [taken[start : start + ROWS] for start in range(0, len(taken), ROWS)]
    for cells in [*groups, *([text] for text in texts if text not in taken)]:
        yield from _differences(asked, column, cells, lambda given: asked.text(column, given, folder))


def _of_type(asked: Asked, column: str, cell: Any, folder: Path) -> Iterator[str]:
    yield from _differences(asked, column, [cell], lambda given: asked.typed(column, given[0], folder), TWICE)


def _differences(
    asked: Asked, column: str, cells: list[Any], ways: Ways, in_twice: frozenset[str] = frozenset()
) -> Iterator[str]:
    """The ways whose answer is not what the cells mean; in some the cells stand twice, without the base row."""
    where = f"{column} of {asked.config.path}: {cells!r}"
    meant = [_meaning(asked.about(column), cell) for cell in cells]
    below, twice = [_meaning(asked.about(column), asked.base[column]), *meant], [*meant, *meant]
    try:
        refused = any(isinstance(one, Refused) for one in meant)
        usual, other = (Refused() if refused else asked.expected(column, rows) for rows in (below, twice))
        for way, outcome in ways(cells):
            if way == "training" and not _is_read_cell_by_cell(asked, column, cells):
                continue
            expected = other if way in in_twice else usual
            if outcome != expected:
                yield f"{where} by {way} is {outcome}, not {expected}"
    except Exception:  # whatever it is, it is a finding
        yield f"{where} ends in {traceback.format_exc(limit=-3)}"


def _is_read_cell_by_cell(asked: Asked, column: str, cells: Iterable[str]) -> bool:
    """Whether training would look at these cells as text, and one would not make the column of another kind.

    Rows of Parquet have types; and a number beside the words true and false makes a column of text.
    """
    if str(asked.config.path).endswith(".parquet"):
        return False
    about = asked.about(column)
    return about.is_text or not about.words or all(cell.strip() in {*BOOLEANS, *about.marks} for cell in cells)


def _meaning(about: InputColumn, cell: Any) -> Any:
    try:
        return about.text_of(cell) if about.is_text else about.number_of(cell)
    except ValueError:
        return Refused()


def _text(rng: np.random.Generator, about: InputColumn) -> str:
    makers = [_number, _date, lambda rng: str(rng.choice(MARKS)), lambda rng: str(rng.choice(WORDS))]
    if about.kind == "boolean":
        makers.append(lambda rng: str(rng.choice(TRUTH)))
    likely = {"date": 1, "category": 3}.get(about.kind, 0)
    weights = np.where(np.arange(len(makers)) == likely, 3.0, 1.0)
    text = makers[rng.choice(len(makers), p=weights / weights.sum())](rng)
    return f"{rng.choice(BLANKS)}{text}{rng.choice(BLANKS)}"


def _number(rng: np.random.Generator) -> str:
    value = float(rng.choice([rng.normal() * 10.0 ** rng.integers(-3, 5), rng.integers(99), 10.0 ** rng.integers(99)]))
    text = str(rng.choice(NUMBERS)).format(value)
    swaps: list[dict[int, Any]] = [{}, {}, str.maketrans(",.", ".,"), {44: "\u00a0"}, {44: "_"}, {45: "\u2212"}]
    return text.translate(swaps[rng.integers(len(swaps))])


def _date(rng: np.random.Generator) -> str:
    year, month, day = (int(rng.integers(low, high)) for low, high in ((1990, 2035), (0, 14), (0, 33)))
    order = str(rng.choice([*DATE_PATTERNS, "day/month/yr"])).removesuffix(WITH_OFFSET)
    width = 2 if order == "yearmonthday" else int(rng.integers(1, 3))
    text = order.replace("year", f"{year}").replace("month", f"{month:0{width}}").replace("day", f"{day:0{width}}")
    clock = f"{rng.integers(0, 26):02}:{rng.integers(0, 62):02}"
    end = str(rng.choice(ENDS)).format(clock)
    text = text.replace("yr", f"{year % 100:02}") + end
    return str(rng.choice([text, text, clock, f"{clock} AM", text.replace(":", "")]))


def _typed(rng: np.random.Generator) -> Any:
    whole = int(rng.choice(np.array([int(rng.integers(-9, 99)), -9999, 2**53 + 1, 2**63, 10**31], object)))
    real = float(rng.normal() * 10.0 ** rng.integers(-3, 5))
    moment = datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=int(rng.integers(10**8)))
    cells: list[Any] = [
        whole, real, float(whole), Decimal(str(round(real, 3))), Decimal(whole), np.float32(real), np.int8(whole % 99),
        bool(rng.integers(2)), np.True_, None, float("nan"), pd.NA, pd.NaT, float("inf"),
        moment, moment.date(), moment.time(), moment.replace(tzinfo=ZONES[rng.integers(len(ZONES))]),
        pd.Timestamp(moment), np.datetime64(moment), datetime.timedelta(seconds=real),
        str(rng.choice(WORDS)), str(rng.choice(MARKS)), b"bytes", [1, 2], {"a": 1},
    ]  # fmt: skip
    return cells[rng.integers(len(cells))]
