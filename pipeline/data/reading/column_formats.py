"""Columns whose format `data.column_formats` shows: $1,137 and 31/01/19 are numbers and dates."""

from __future__ import annotations

import datetime
import re

import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.column_types import with_columns
from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.input_column import InputColumn
from pipeline.data.reading.notation import ISO, WEEKDAY, is_date_example, moment_written, number_written
from pipeline.data.reading.parse_inputs import ValuesError, clean
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.errors import DataError

SOME_DAY = datetime.datetime(2001, 12, 31, 23, 58, 57, tzinfo=datetime.UTC)
SHOWN = 3  # invalid values that a message shows


def formatted(frame: pd.DataFrame, places: RowNumbers, config: Data) -> pd.DataFrame:
    """The table with these columns read: numbers as float64, dates as ISO 8601 in UTC; gaps are NaN.

    Args:
        frame: The table, with these columns as text.
        places: Where a user finds each row.
        config: The data section.

    Raises:
        DataError: A format is invalid, or values do not have it; with the first rows.
    """
    if not config.column_formats:
        return frame
    check_formats(config)
    text, columns, faults = Reading.of(config).text, {}, []
    for name, example in config.column_formats.items():
        kind, dtype = ("date", "string") if is_date_example(example) else ("numeric", "float64")
        date = ISO if kind == "date" else None
        column = InputColumn(name, name, kind, dtype, (None,), True, None, text=text, date=date, format=example)
        try:
            found = pd.Series(clean([column], {name: frame[name]}).columns[name], index=frame.index)
        except ValuesError as error:
            shown = [f"{places(fault.row)}: {fault.problem}" for fault in error.faults[:SHOWN]]
            more = len(error.faults) - len(shown)
            faults.append(f"column {name!r}, {'; '.join(shown)}{f'; and {more} more' if more else ''}")
            continue
        columns[name] = found if dtype == "float64" else found.astype("str").mask(found == "")
    if faults:
        raise DataError("\n".join(["data.column_formats: correct these values or the format", *faults]))
    return with_columns(frame, columns)


def check_formats(config: Data) -> None:
    """Raises DataError if an entry of `data.column_formats` shows neither a number nor a date."""
    for name, example in config.column_formats.items():
        try:
            if is_date_example(example):
                _check_date(example)
            else:
                number_written(example, "1")
        except ValueError as error:
            said = f"{example!r} is not a date format: {error}" if is_date_example(example) else error
            raise DataError(f"data.column_formats: {name}: {said}") from None


def _check_date(example: str) -> None:
    """Raises ValueError if Python cannot read dates by the format, or reads less than it shows."""
    if re.search("%[UW]", example) and not (WEEKDAY.search(example) and re.search("%[yY]", example)):
        raise ValueError("a week also needs its year %Y and its day %u; a week of ISO 8601 alone is %G-W%V")
    written = SOME_DAY.strftime(example)
    if moment_written(example, written) is None:
        datetime.datetime.strptime(written, example)  # raises with the reason
        raise ValueError("it does not contain a day")
