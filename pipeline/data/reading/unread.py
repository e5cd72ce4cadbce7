"""Recognizes numbers and dates that no entry of `data.column_formats` reads: 1/2, 5 ft 3 in, 1.2K, 0x1F, Q1 2019.

A warning says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.data.reading.dates import format_of
from pipeline.data.reading.notation import MINUSES, number_in
from pipeline.data.reading.suggest_formats import FEWEST, FIRST, FRACTIONS, MOST, POWERS

MIN_OF_KIND = 4  # texts that are not plain numbers; fewer of them may be marks of gaps, which conversion.py reports
SIGN, NUMBER = rf"[+{MINUSES}]?\s*", r"\d+(?:[.,]\d+)*"
LENGTHS = "km|cm|mm|m|mi|miles?|yd|yards?|ft|foot|feet|in|inch(?:es)?|''|'|\"|\u2032\u2032|\u2032|\u2033"
WEIGHTS = "kg|g|mg|lbs?|oz|st|pounds?|ounces?|stones?"
TIMES = "y|yrs?|years?|mo|months?|w|wks?|weeks?|d|days?|h|hrs?|hours?|min|mins|minutes?|s|secs?|seconds?|ms"
UNIT = rf"(?:{LENGTHS}|{WEIGHTS}|{TIMES}|\u00b0|deg)\.?"
MAGNITUDE = r"(?:[kKMGT]i?[Bb]|[kKMBT]|bn|mn|[Bb]ytes?|[Mm]io\.?|[Mm]rd\.?|thousand|million|billion|trillion)"
DAY = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ](?:\d{1,2}|[^\W\d_]{3,9})[-/. ]\d{4})"


@dataclass(frozen=True)
class Unread:
    """A format of numbers or dates that is not read."""

    what: str
    remedy: str  # what to do instead
    pattern: re.Pattern[str]  # of a whole text
    is_date: bool = False

    def example(self, texts: Iterable[str]) -> str:
        """The first of a column's texts in this format."""
        return next(filter(self.pattern.fullmatch, texts))


def _kind(what: str, remedy: str, pattern: str, is_date: bool = False) -> Unread:
    return Unread(what, remedy, re.compile(pattern), is_date)


KINDS = (
    _kind(
        "numbers on both sides of a slash",
        "write their quotient (0.5), or each number in its own column",
        rf"{SIGN}(?:\d+\s*[/\u2044]\s*\d+|\d+[\s-]+\d+\s*[/\u2044]\s*\d+|\d*\s*[{FRACTIONS}])",
    ),
    _kind(
        "quantities in several units",
        "write all in one unit, without it (63 for 5 ft 3 in)",
        rf"{SIGN}{NUMBER}\s*{UNIT}(?:[\s,]*(?:and\s+)?{NUMBER}\s*{UNIT}){{0,3}}(?:\s*{NUMBER})?\s*[NSEW]?",
    ),
    _kind(
        "lengths of time",
        "write them in seconds, or another unit, as one number",
        rf"{SIGN}(?:(?:\d+ days?,? )?\d+:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?"
        r"|P(?=[\dT])(?:\d+[YMWD])*(?:T(?:\d+(?:[.,]\d+)?[HMS])+)?)",
    ),
    _kind(
        "numbers with different powers of ten",
        "write all digits (1200 for 1.2K)",
        rf"{SIGN}[^\w\s.,()]?\s*{NUMBER}\s*{MAGNITUDE}",
    ),
    _kind(
        "ordinal numbers", "write their digits alone (3 for 3rd)", r"\d+\s?(?:st|nd|rd|th|er|re|\u00e8me|\u00ba|\u00aa)"
    ),
    _kind(
        "numbers to another base than ten",
        "write them in decimal digits (31 for 0x1F)",
        rf"{SIGN}0(?:[xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)",
    ),
    _kind(
        "powers of ten",
        "write them as 1.5e3",
        rf"{SIGN}{NUMBER}\s*[x*\u00d7\u00b7]\s*10\s*(?:(?:\^|\*\*)?\s*{SIGN}\d+|\u207b?[{POWERS}]+)",
    ),
    _kind("bounds", "write the bound alone, or an estimate", rf"(?:[<>\u2264\u2265]|[<>]=)\s*{SIGN}{NUMBER}"),
    _kind(
        "numbers with their errors",
        "write each in its own column",
        rf"{SIGN}{NUMBER}\s*(?:\u00b1|\+/?[{MINUSES}])\s*{NUMBER}|{SIGN}{NUMBER}\s*\({NUMBER}\)",
    ),
    _kind(
        "several numbers in brackets",
        "write each in its own column",
        rf"[\[(]\s*{SIGN}{NUMBER}(?:\s*[,; ]\s*{SIGN}{NUMBER})+\s*[\])]",
    ),
    _kind(
        "quarters or halves of years",
        "write the first day of each (2019-01-01)",
        r"(?i:(?:\d\d)?\d\d[-/_. ]*Q[1-4]|(?:Q[1-4]|[1-4]Q)[-/_. ']*(?:\d\d)?\d\d|\d{4}[-/_. ]*[HST][1-4]"
        r"|[HST][1-4][-/_. ']*\d{4})",
        is_date=True,
    ),
    _kind(
        "dates written in several ways", "write all as 2019-01-31", rf"{DAY}(?:[T ]\d{{1,2}}:\d{{2}}.*)?", is_date=True
    ),
)


def unread_as(distinct: np.ndarray) -> Unread | None:
    """The unread format of a column's texts; None if they have none, or are few.

    Plain numbers may occur as well. Meant for columns for which `formats_that_read` returns nothing.
    """
    texts = [text for text in distinct.tolist() if text]
    first = next((text for text in texts[:FIRST] if number_in(text, ".") is None), None)
    likely = [kind for kind in KINDS if kind.pattern.fullmatch(first)] if len(texts) >= FEWEST and first else []
    if not likely or format_of(distinct) is not None:
        return None
    texts = texts[:: 1 + len(texts) // MOST]
    others = [text for text in texts if number_in(text, ".") is None]
    return next((kind for kind in likely if _are(kind, others)), None)


def _are(kind: Unread, texts: Sequence[str]) -> bool:
    return len(texts) >= MIN_OF_KIND and all(map(kind.pattern.fullmatch, texts))
