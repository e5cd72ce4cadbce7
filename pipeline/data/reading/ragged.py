"""Names the rows of a text file that have too few or too many fields."""

import csv
import itertools

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
