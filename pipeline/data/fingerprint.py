"""A hash of rows that shows whether two runs used the same ones, however they were read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.data.reading.raw_columns import RawColumn, TextArray, as_raw


class HashedColumns:
    """Hashes columns, all at once or block by block."""

    def __init__(self) -> None:
        self._digests: dict[str, hashlib._Hash] = {}

    def add(self, name: str, values: RawColumn) -> None:
        """Adds rows of a column.

        Args:
            name: The column.
            values: Its next rows.
        """
        self._digests.setdefault(name, hashlib.sha256()).update(_bytes_of(values))

    def hexdigests(self) -> dict[str, str]:
        """The hash of each column by its name."""
        return {name: digest.hexdigest() for name, digest in self._digests.items()}


def hash_of(values: RawColumn) -> str:
    """The hash of a whole column."""
    return hashlib.sha256(_bytes_of(values)).hexdigest()


def _bytes_of(values: RawColumn) -> memoryview:
    values = as_raw(values)
    if isinstance(values, TextArray):
        values = pd.util.hash_array(values.levels, categorize=False)[values.codes]
    elif values.dtype.kind in "ib":
        values = values.astype(np.float64)
    return np.ascontiguousarray(values).data


def fingerprint(hashes: Mapping[str, str]) -> str:
    """One hash, 16 hexadecimal digits, of the hashes and names of columns."""
    whole = hashlib.sha256()
    for name, digest in hashes.items():
        whole.update(f"{name}:{digest};".encode())
    return whole.hexdigest()[:16]
