"""A hash of rows, by which two runs can be seen to have used the same ones, however they were read."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from pipeline.data.reading.raw import Raw, Text, as_raw


class Fingerprint:
    """Takes columns in, all at once or block by block, and gives one hash of their names and values."""

    def __init__(self) -> None:
        self._digests: dict[str, hashlib._Hash] = {}

    def add(self, name: str, values: Raw) -> None:
        """Takes rows of a column in."""
        digest = self._digests.setdefault(name, hashlib.sha256())
        values = as_raw(values)
        if isinstance(values, Text):
            values = pd.util.hash_array(values.levels, categorize=False)[values.codes]
        elif values.dtype.kind in "ib":
            values = values.astype(np.float64)
        digest.update(np.ascontiguousarray(values).data)

    def hexdigest(self) -> str:
        """16 hexadecimal digits."""
        whole = hashlib.sha256()
        for name, digest in self._digests.items():
            whole.update(f"{name}:{digest.hexdigest()};".encode())
        return whole.hexdigest()[:16]
