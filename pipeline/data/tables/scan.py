"""What pandas does not tell of a file's bytes: how many separators they hold, and what conversion would lose."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pipeline.data.tables.content import Content

BLOCK = 1 << 20  # bytes: fits the processor's cache
BLANK, CARRIAGE_RETURN, QUOTE, ZERO = (np.uint8(ord(character)) for character in ' \r"0')


@dataclass(frozen=True)
class Scan:
    """What the bytes of a file hold. Fields in quotation marks count like any other characters."""

    n_separators: int
    quotes: bool
    blanks: bool  # beside a separator, a quotation mark or a line's end
    padded: bool  # a field that begins with 0 and a digit: a code such as 020, or a time such as 09:15

    def __add__(self, other: "Scan") -> "Scan":
        return Scan(
            self.n_separators + other.n_separators,
            self.quotes or other.quotes,
            self.blanks or other.blanks,
            self.padded or other.padded,
        )


def scan(content: Content, separator: str) -> Scan:
    """Looks at all bytes once, on all processors: about a sixth of the time that pandas takes to read them."""
    size, byte = content.size, np.uint8(ord(separator))
    n_workers = os.cpu_count() or 1
    ends = np.linspace(0, size, num=min(n_workers, 1 + size // BLOCK) + 1, dtype=np.int64)
    with ThreadPoolExecutor(n_workers) as pool:
        parts = pool.map(lambda start, end: _scan_part(content, byte, int(start), int(end)), ends[:-1], ends[1:])
        return sum(parts, Scan(0, False, False, False))


def count_outside_quotes(content: Content, separator: str) -> int:
    """Number of separators that are none of a quoted field's own characters."""
    count, inside, byte = 0, False, np.uint8(ord(separator))
    with content.open() as file:
        while block := file.read(BLOCK):
            values = np.frombuffer(block, np.uint8)
            quoted = np.logical_xor.accumulate(values == QUOTE) ^ inside
            count += int(np.count_nonzero((values == byte) & ~quoted))
            inside = bool(quoted[-1])
    return count


def _scan_part(content: Content, separator: np.uint8, start: int, end: int) -> Scan:
    """Scans the bytes from `start` up to `end`, with a look at those around each."""
    found = Scan(0, False, False, False)
    buffer = bytearray(BLOCK + 2)
    with content.open() as file:
        while start < end:
            n_inner = min(BLOCK, end - start)
            # One byte before and one behind, for which line ends stand in at the file's ends.
            buffer[0] = buffer[n_inner + 1] = CARRIAGE_RETURN
            file.seek(max(start - 1, 0))
            file.readinto(memoryview(buffer)[int(start == 0) : n_inner + 2])  # type: ignore[attr-defined]
            found += _scan_block(np.frombuffer(buffer, np.uint8, n_inner + 2), separator)
            start += n_inner
    return found


def _scan_block(values: np.ndarray, separator: np.uint8) -> Scan:
    separators, quotes = values == separator, values == QUOTE
    edges = separators | quotes
    edges |= values <= CARRIAGE_RETURN  # and the other control characters: tab, line feed
    blanks = edges[:-2] | edges[2:]
    blanks &= values[1:-1] == BLANK
    padded = (values[2:] - ZERO) < 10  # unsigned: characters before 0 are far above 10
    padded &= values[1:-1] == ZERO
    padded &= edges[:-2]
    return Scan(int(np.count_nonzero(separators[1:-1])), bool(quotes.any()), bool(blanks.any()), bool(padded.any()))
