"""Names the rows of a text file that are none: with too few or too many fields, or the header again."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.data.reading.content import Content
from pipeline.data.reading.dialect import Dialect
from pipeline.errors import DataError

SHOWN = 3  # rows at fault


def check_fields(content: Content, dialect: Dialect, names: list[str], header: bool) -> None:
    """Looks at every row, which is slow: for where something is known or likely to be wrong.

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
    """Looks for the header among the rows, as files have it that were put together of several.

    Then all columns are text, so that this costs nothing elsewhere.

    Args:
        key: That names the file.
        path: The file.
        frame: Consecutive rows of it, as they were read.
        first_row: Number of the first of these, from 0.

    Raises:
        DataError: A row holds the names of the columns; with the first ones.
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
