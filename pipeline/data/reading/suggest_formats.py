"""Recognizes numbers and dates in formats that are not read by default: $1,137, 18%, 3.7 kg, 31/01/19, 9:15 PM.

A warning names the entry of `data.column_formats` that reads them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from pipeline.config.quoting import by_column
from pipeline.data.reading.dates import format_of
from pipeline.data.reading.notation import MINUSES, is_date_example, moment_written, number_in, number_written, plain

TELLING_ROWS = 1000  # enough to recognize most columns
FEWEST = 10  # distinct texts; columns with fewer are categories, or lose little as such
MOST = 2000  # of these that are read
FIRST = 100  # of these that the format is inferred from
# Separators of thousands and decimal marks, in the order in which they are tried.
MARKS = (
    ("", "."),
    (",", "."),
    (".", ","),
    ("", ","),
    ("\u2019", "."),
    ("\u2019", ","),
    (" ", "."),
    (" ", ","),
    ("_", "."),
)
CURRENCIES = (
    "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|TRY|KRW|[Rr]s\\.?|[Kk]r\\.?|[Ff]r\\.?"
)
# Words for counted or ordered things, whose number says everything; not names of things, as in Store 5.
WORDS = (
    "(?i:no|nr|num|number|nummer|level|grade|rank|stage|phase|step|size|score|age|day|week|month|year|ca|approx|about)"
    "\\.?"
)
FRACTIONS, POWERS = "\u00bc-\u00be\u2150-\u215e", "\u00b2\u00b3\u00b9\u2070-\u2079"  # characters that mean numbers too
SIGN = rf"[+{MINUSES}]?"
DRESSED = re.compile(
    rf"\(?{SIGN}\s*(?P<before>{CURRENCIES}|{WORDS}|[^\W\d_]{{0,2}}[^\w\s.,()+{MINUSES}]{{1,2}})?\s*{SIGN}\s*"
    rf"(?P<number>\.?\d(?:[\d.,_'\u2019 \u00a0\u202f\u2009]*\d)?[.,]?)(?:[eE][+-]?\d+)?"
    rf"\s*(?P<behind>[^\s\d.,()+'\u2019{FRACTIONS}{POWERS}{MINUSES}][^\d()+{MINUSES}]{{0,11}})?\s*[{MINUSES}]?\)?"
)
CLOCK = re.compile(
    r"(?P<gap>^|[T ,]+)\d{1,2}:\d{2}(?P<second>:\d{2}(?P<part>\.\d{1,6})?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
DAYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}([-/. ])\d{1,2}\1\d{1,2}", ("%Y{0}%m{0}%d",)),
    (r"\d{1,2}([-/. ])\d{1,2}\1\d{4}", ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")),
    (r"\d{1,2}([-/. ])\d{1,2}\1\d{2}", ("%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")),
    (r"\d{1,2}([-/. ,]{1,2})[^\W\d_]{3,9}([-/. ,]{1,2})\d{4}", ("%d{0}%b{1}%Y", "%d{0}%B{1}%Y")),
    (r"\d{1,2}([-/. ,]{0,2})[^\W\d_]{3,9}([-/. ,]{0,2})\d{2}", ("%d{0}%b{1}%y", "%d{0}%B{1}%y")),
    (r"[^\W\d_]{3,9}([-/. ]{1,2})\d{1,2}([-/. ,]{1,2})\d{4}", ("%b{0}%d{1}%Y", "%B{0}%d{1}%Y")),
    (r"[^\W\d_]{3,9}([-/. ,]{0,2})\d{4}", ("%b{0}%Y", "%B{0}%Y")),
    (r"[^\W\d_]{3,9}([-/. ]{1,2})\d{2}", ("%b{0}%y", "%B{0}%y")),
    (r"[^\W\d_]{3}(,?) \d{1,2}([-/. ])[^\W\d_]{3}\2\d{4}", ("%a{0} %d{1}%b{1}%Y",)),
    (r"\d{4}([-/.])\d{3}", ("%Y{0}%j",)),
    (r"\d{4}([-/. ]?)(W|KW|CW)\d{1,2}", ("%G{0}{1}%V",)),
    (r"\d{4}([-/. ]?)W\d{2}(-?)[1-7]", ("%G{0}W%V{1}%u",)),
    (r"(W|KW|CW|Week)([-/. ]?)\d{1,2}([-/. ]{1,2})\d{4}", ("{0}{1}%V{2}%G",)),
    (r"\d{4}([-/.])\d{1,2}", ("%Y{0}%m",)),
    (r"\d{1,2}([-/.])\d{4}", ("%m{0}%Y",)),
    (r"\d{8}", ("%Y%m%d",)),
    (r"", ("",)),
)


def formats_that_read(distinct: np.ndarray, fewest: int = FEWEST) -> list[str]:
    """Entries of `data.column_formats` that read all texts of a column, the likeliest first.

    Empty if the texts are few, are neither numbers nor dates, or are dates that are read by default.

    Args:
        distinct: The texts.
        fewest: Fewer texts are few.
    """
    texts = [text for text in distinct.tolist() if text]
    if len(texts) < max(1, fewest) or not any(map(str.isdigit, texts[0])) or format_of(distinct) is not None:
        return []
    texts = texts[:: 1 + len(texts) // MOST]
    dates = [example for example in _dates(texts[0]) if _reads(example, texts)]
    return dates or [*itertools.islice((example for example in _numbers(texts) if _reads(example, texts)), 1)]


def _reads(example: str, texts: Sequence[str]) -> bool:
    says: Callable[[str, str], object] = moment_written if is_date_example(example) else number_written
    return all(says(example, text) is not None for text in texts)


def _numbers(texts: Sequence[str]) -> Iterator[str]:
    """Formats of numbers with separators of thousands, units or currencies, and accountants' signs."""
    found = [DRESSED.fullmatch(plain(text)) for text in texts]
    if not all(found) or all(number_in(text, ".") is not None for text in texts):
        return
    matches = [match for match in found if match]
    affixes = [sorted({match[side] for match in matches if match[side]}) for side in ("before", "behind")]
    if any(len(several) > 1 for several in affixes):
        return
    before, behind = ("".join(several) for several in affixes)
    digits = "".join(match["number"] for match in matches[:FIRST]).replace("'", "\u2019")
    digits = re.sub(r"\s", " ", digits)
    for thousands, decimal in MARKS:
        if thousands in digits:
            yield f"{before}1{thousands + '234' if thousands else ''}{decimal}5{' ' * behind.isalpha()}{behind}"


def _dates(text: str) -> Iterator[str]:
    """Formats of the first of a column's dates or times."""
    text = plain(text)
    for clock in (*CLOCK.finditer(text), None):
        day = text if clock is None else text[: clock.start()]
        if clock is not None and clock.end() != len(text):
            continue
        for shape, formats in DAYS:
            if (match := re.fullmatch(shape, day)) and (day or clock):
                yield from (written.format(*match.groups()) + _clock(clock) for written in formats)


def _clock(found: re.Match[str] | None) -> str:
    if found is None:
        return ""
    half = re.sub("[AaPp][Mm]", "%p", found["half"] or "")
    zone = re.sub("[^ ]+", "%z", found["zone"] or "")
    second = f":%S{'.%f' * bool(found['part'])}" if found["second"] else ""
    return f"{found['gap']}{'%I' if half else '%H'}:%M{second}{half}{zone}"


def key_that_reads(formats: Mapping[str, str]) -> str:
    """`data.column_formats` with an entry for each column, quoted for a shell."""
    return by_column("data.column_formats", {name: f'"{example}"' for name, example in formats.items()})


def may_be_thousands(numbers: np.ndarray) -> bool:
    """Whether numbers can be whole ones whose points separate thousands: 489 and 5.012."""
    return _have_three_decimals(numbers[:TELLING_ROWS]) and _have_three_decimals(numbers, FEWEST)


def _have_three_decimals(numbers: np.ndarray, fewest: int = 0) -> bool:
    """Whether all are below 1000, and enough of them have decimals, at most three each."""
    sizes = np.abs(numbers[~np.isnan(numbers)])
    fractions = sizes[sizes != np.floor(sizes)]
    if len(fractions) < fewest or not (sizes < 1000).all() or (fractions < 1).any():
        return False
    return bool((np.abs(fractions * 1000 - np.round(fractions * 1000)) < 1e-6).all())


def are_thousands(texts: Sequence[str]) -> bool:
    """Whether texts are whole numbers, some with points, which always separate thousands."""
    pointed = {text for text in texts if "." in text}
    of_three = all(re.fullmatch(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}", text) for text in pointed)
    return of_three and len(pointed) >= FEWEST and len(pointed) < len(set(texts))
