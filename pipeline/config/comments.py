"""Reads the keys of the files in conf/, with their values and comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf


@dataclass(frozen=True)
class Entry:
    """A key of a file.

    Attributes:
        value: As written in the file; interpolations are not resolved.
        comment: The comment beside the key, with its continuation lines; empty without a comment.
    """

    value: Any
    comment: str


def entries(path: Path, prefix: str = "") -> dict[str, Entry]:
    """Returns the keys of a YAML file, including nested ones such as `split.kind`, without `defaults`.

    Args:
        path: The file.
        prefix: Prefix of each key, such as `data.`.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    values = OmegaConf.to_container(OmegaConf.create(text))
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or not isinstance(values, dict):
        return {}
    named = {str(key): value for key, value in values.items()}
    return {prefix + key: Entry(value, _comment(lines, after)) for key, value, after in _keys(node, named)}


def _keys(node: yaml.MappingNode, values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, yaml.Mark]]:
    """Yields each key with its value and the mark after which its comment starts."""
    for name, below in node.value:
        key = str(name.value)
        if prefix + key == "defaults":
            continue
        is_block = below.style in ("|", ">") if isinstance(below, yaml.ScalarNode) else not below.flow_style
        yield prefix + key, values[key], name.end_mark if is_block else below.end_mark
        if isinstance(below, yaml.MappingNode) and is_block:
            yield from _keys(below, values[key], f"{prefix}{key}.")


def _comment(lines: list[str], after: yaml.Mark) -> str:
    """Returns the comment in the line of a mark, with the following lines that continue it in the same column."""
    rest = lines[after.line][after.column :]
    column = after.column + rest.find("#")
    if not rest.lstrip(" :").startswith("#"):
        return ""
    words = [lines[after.line][column:]]
    for line in lines[after.line + 1 :]:
        if line[:column].strip() or line[column : column + 1] != "#":
            break
        words.append(line[column:])
    return " ".join(word.lstrip("#").strip() for word in words)
