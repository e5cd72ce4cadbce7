"""Translates a config of an earlier version to the current keys."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.config.former.renamed import HOLD_KEYS, NAME_KEYS, RENAMED, new_key
from pipeline.config.per_column import DEFAULT

ABSENT = object()


def with_new_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a nested config with the current keys, including keys that its values name."""
    found = copy.deepcopy(dict(values))
    for old, new in RENAMED.items():
        if (value := _taken(found, old)) is not ABSENT:
            _put(found, new, value)
    for key in HOLD_KEYS:
        _change(found, key, lambda held: {_now(name): value for name, value in held.items()})
    for key in NAME_KEYS:
        _change(found, key, lambda named: [*map(_now, named)] if isinstance(named, list) else _now(named))
    return found


def _now(key: str) -> str:
    return new_key(key) or key


def _taken(values: dict[str, Any], key: str) -> Any:
    """Removes a full key and returns its value; ABSENT if it is missing."""
    *sections, name = key.split(".")
    node: Any = values
    for section in sections:
        node = node.get(section) if isinstance(node, dict) else None
    return node.pop(name, ABSENT) if isinstance(node, dict) else ABSENT


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Sets a full key; a plain value at a parent key becomes the value of all other columns."""
    *sections, name = key.split(".")
    node = values
    for section in sections:
        inner = node.setdefault(section, {})
        if not isinstance(inner, dict):
            inner = node[section] = {DEFAULT: inner}
        node = inner
    node[name] = value


def _change(values: dict[str, Any], key: str, change: Callable[[Any], Any]) -> None:
    if (value := _taken(values, key)) is not ABSENT:
        _put(values, key, change(value))
