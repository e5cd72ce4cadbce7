"""Keys of an earlier version in config files, which are the user's own: named with their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.former.renamed import former_keys, says_new


@dataclass(frozen=True)
class Source:
    """A config file, or a part of a config that has no file."""

    path: Path | None
    values: Mapping[str, Any]  # nested as in the whole config


def in_files(composed: Mapping[str, Any], sources: Callable[[], Iterable[Source]]) -> list[str]:
    """A line for each key of an earlier version.

    Args:
        composed: The config that the files make.
        sources: Gives these files; not called where no such key is in the config.
    """
    if next(former_keys(composed), None) is None:
        return []
    return [f"{source.path}: {says_new(key)}" for source in sources() for key in former_keys(source.values)]
