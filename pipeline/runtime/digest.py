"""Digests of values: equal only for equal values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any


def digest(values: str | Sequence[Any] | Mapping[str, Any]) -> str:
    """Returns 32 hexadecimal digits for values that JSON can represent."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]
