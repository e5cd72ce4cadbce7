"""Texts as the numbers that the reader of training takes them for, to the last bit."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd

from pipeline.data.reading.values import BOOLEANS

NO_SEPARATOR = "\x1f"  # of fields: pandas needs one, and no number has this
NO_NUMBERS = ("\n", "\r", "\0", NO_SEPARATOR)  # would end a line or a field, so that only a part would be read


def by_training(levels: list[str], decimal: str) -> tuple[np.ndarray, int | None]:
    """Texts as the parser of training reads them, to the last bit: codes such as 0.1 are compared for being equal.

    Args:
        levels: Texts without blanks around them; none is empty.
        decimal: The decimal mark, `.` or `,`; there are no others, and none between thousands.

    Returns:
        The numbers, and the position of the first text that is none.
    """
    if not levels:
        return np.empty(0), None
    words = [BOOLEANS.get(level) for level in levels]
    written = [level if word is None else str(int(word)) for level, word in zip(levels, words, strict=True)]
    numbers = _parsed(written, decimal)
    return (np.empty(0), _first_wrong(written, decimal)) if numbers is None else (numbers, None)


def _parsed(texts: list[str], decimal: str) -> np.ndarray | None:
    """The numbers, or None where one of the texts is none."""
    content = "\n".join(texts)
    if content.count("\n") != len(texts) - 1 or any(mark in content for mark in NO_NUMBERS[1:]):
        return None
    try:
        frame = pd.read_csv(
            io.StringIO(content), header=None, names=["x"], index_col=False, sep=NO_SEPARATOR, quoting=csv.QUOTE_NONE,
            na_filter=False, decimal=decimal, dtype=np.float64,
        )  # fmt: skip
    except ValueError:
        return None
    return frame["x"].to_numpy() if len(frame) == len(texts) else None


def _first_wrong(texts: list[str], decimal: str) -> int:
    """Where the first text is that is no number, by halves: one of them is."""
    right, end = 0, len(texts)  # those before `right` are numbers, those before `end` are not all
    while end - right > 1:
        middle = (right + end) // 2
        if _parsed(texts[right:middle], decimal) is None:
            end = middle
        else:
            right = middle
    return right
