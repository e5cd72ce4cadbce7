"""A short name for values: the same for the same values, and for no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any


def digest(values: str | Sequence[Any] | Mapping[str, Any]) -> str:
    """32 hexadecimal digits of what JSON can hold."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]
