"""A config as MLflow params."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import Any

from pipeline.config import Config
from pipeline.config.per_column import BY_COLUMN, DEFAULT
from pipeline.config.rules import AROUND_RUNS, PER_COLUMN

PLAIN = re.compile(r"[\w.\- :/]+")  # keys that MLflow accepts unchanged, up to MAX_KEY_LENGTH
MAX_KEY_LENGTH = 250


def params_of(config: Config) -> dict[str, str]:
    """Returns the full keys and values that define a run."""
    return {param_key(key): value for key, value in _flat(config.model_dump(exclude=set(AROUND_RUNS)))}


def param_key(key: str) -> str:
    """Converts a key for MLflow: in `data.column_kinds` it contains a column's name, with any characters."""
    if not (PLAIN.fullmatch(key) and normpath(key) == key):
        key = re.sub(r"[^\w.\- :]", lambda sign: f"_{ord(sign[0]):x}", key)
    if len(key) > MAX_KEY_LENGTH:
        key = f"{key[: MAX_KEY_LENGTH - 17]}_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    return key


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields full keys, and values as in overrides; the default of all columns is logged at the key itself."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if key in PER_COLUMN and isinstance(value, dict) and BY_COLUMN in value:
            yield from _flat({name: value[DEFAULT]}, prefix)
            yield from _flat(value[BY_COLUMN], f"{key}.{BY_COLUMN}.")
        elif isinstance(value, dict) and value:
            yield from _flat(value, f"{key}.")
        else:
            yield key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
