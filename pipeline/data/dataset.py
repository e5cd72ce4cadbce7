"""Rows in memory, or a sample of them with the table on disk behind it: from here on both look the same."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.config.rules import Data, Split
from pipeline.data import rows as in_memory
from pipeline.data import splits as of_memory
from pipeline.data.preprocessing.preprocessing import Arrays, Preprocessing
from pipeline.data.rows import Rows
from pipeline.data.splits import Splits
from pipeline.data.streaming import load_streamed, streams


def load(config: Data) -> Rows:
    """Reads the rows, picks the columns and finds out what is predicted; of a streamed table a sample.

    Raises:
        DataError: A file, column or value is not as it must be; all columns with the same fault at once.
    """
    return load_streamed(config) if streams(config) else in_memory.load(config)


def split(rows: Rows, config: Split) -> Splits:
    """Divides the rows; those of a streamed table were divided when they were read.

    Raises:
        DataError: A part has no rows, the rows cannot be divided in this way, or a class has no training row.
    """
    return of_memory.split(rows, config) if rows.stream is None else rows.stream.splits


def arrays(preprocessing: Preprocessing, rows: Rows, splits: Splits) -> tuple[Arrays, Arrays]:
    """Training and validation rows as the network sees them; of a streamed table all of them, on disk.

    Raises:
        DataError: A streamed row cannot be scaled, or the disk is full.
    """
    if rows.stream is not None:
        return rows.stream.arrays(preprocessing)
    train, val = (preprocessing.apply(rows.take(part)) for part in (splits.train, splits.val))
    return train, val


def scored(rows: Rows, splits: Splits) -> Iterator[tuple[str, Rows]]:
    """Raw rows with the part they belong to: a part at a time, of a streamed table a block's share of a part."""
    if rows.stream is not None:
        yield from rows.stream.scored(list(rows.inputs))
        return
    for part, numbers in splits.parts().items():
        yield part, rows.take(numbers)
