"""Finds invalid rows of a text file: those with too few or too many fields, and repeated headers."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.data.reading.content import Content
from pipeline.data.reading.dialect import Dialect
from pipeline.errors import DataError

SHOWN = 3  # invalid rows that a message shows


def check_fields(content: Content, dialect: Dialect, names: list[str], header: bool) -> None:
    """Checks every row, which is slow; for files that are likely to have an invalid row.

    Args:
        content: The file.
        dialect: Its dialect.
        names: Names of its columns.
        header: Whether its first record is the header.

    Raises:
        DataError: A row has more or fewer fields than there are columns, or a quotation mark is never closed.
    """
    where, expected = f"{content.key}: {content.path}", len(names)
    faults, n_faults, n_rows, last_line, first = [], 0, 0, 0, ""
    with content.lines() as lines:
        try:
            for row, (line, fields) in enumerate(itertools.islice(dialect.records(lines), int(header), None)):
                if len(fields) != expected:
                    n_faults += 1
                    first = first or fields[0]
                    faults += [f"row {row} (line {line}) has {len(fields)}"] * (n_faults <= SHOWN)
                n_rows, last_line = row + 1, line
        except csv.Error as error:
            raise DataError(f"{where} cannot be read as a table: {error}, after line {last_line}") from None
    if not faults:
        return
    more = f", ... ({n_faults} rows)" if n_faults > SHOWN else ""
    if n_faults == n_rows:
        remedy = "set data.delimiter, or data.header and data.columns, to what the file has"
    elif first[:1] in ("#", "|", "%", "!", "*"):
        remedy = f"if {first[:30]!r} is a comment, set \"data.comment='{first[0]}'\""
    else:
        remedy = "correct these rows, put quotation marks around values that hold the delimiter, or set data.delimiter"
    shown = {" ": "whitespace", "\t": "tab"}.get(dialect.delimiter, repr(dialect.delimiter))
    raise DataError(
        f"{where} cannot be read as a table: {expected} fields by {shown} are expected in each row, but "
        f"{', '.join(faults)}{more}; {remedy}"
    )


def check_header(key: str, path: Path, frame: pd.DataFrame, first_row: int = 0) -> None:
    """Checks for repeated headers, which files have that were joined from several.

    A repeated header makes all columns text, so the check costs nothing in other files.

    Args:
        key: The key that names the file.
        path: The file.
        frame: Consecutive rows of the file, as they were read.
        first_row: Number of the first of these rows, from 0.

    Raises:
        DataError: Rows hold the names of the columns; with the first such rows.
    """
    names = [name for name in frame if frame[name].notna().any()]
    if len(names) < 2 or not all(isinstance(frame[name].dtype, pd.StringDtype) for name in names):
        return
    rows = np.arange(len(frame))
    for name in names:
        rows = rows[(frame[name].iloc[rows] == str(name)).to_numpy(bool, na_value=False)]
    if len(rows):
        shown = ", ".join(f"row {first_row + row}" for row in rows[:SHOWN].tolist())
        more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
        raise DataError(f"{key}: {path} has its header again in {shown}{more}; remove these lines from the file")
