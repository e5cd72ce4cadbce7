"""Reports keys of earlier versions in config files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.former.renamed import former_keys, new_key, says_new
from pipeline.config.per_column import BY_COLUMN, DEFAULT
from pipeline.config.rules import PER_COLUMN


@dataclass(frozen=True)
class Source:
    """A config file, or a part of the config without a file."""

    path: Path | None
    values: Mapping[str, Any]  # nested as in the whole config


def in_files(composed: Mapping[str, Any], sources: Callable[[], Iterable[Source]]) -> list[str]:
    """Returns a line for each key of an earlier version, with its file and new name.

    Args:
        composed: The config composed of the files.
        sources: Returns these files; called only if the config has such a key.
    """
    if next(former_keys(composed), None) is None:
        return []
    return [
        f"{source.path}: {says_new(key)}{_how(key, source.values, composed)}"
        for source in sources()
        for key in former_keys(source.values)
    ]


def _how(key: str, values: Mapping[str, Any], composed: Mapping[str, Any]) -> str:
    """Returns what to write if the new key is inside another one, which has a value in this file or in others."""
    now = str(new_key(key))
    general, _, name = now.rpartition(".")
    if general not in PER_COLUMN or name != BY_COLUMN:
        return ""
    for_all = _value_of(values, general)
    default = _value_of(composed, general) if for_all is None else for_all
    whole = {general.rpartition(".")[2]: {DEFAULT: default, BY_COLUMN: _value_of(values, key)}}
    text = yaml.safe_dump(whole, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
    return f"; write {text.strip()[1:-1]}"


def _value_of(values: Mapping[str, Any], key: str) -> Any:
    """Returns the value of a full key; None if it is missing."""
    node: Any = values
    for name in key.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    return node
