"""What the files of conf/ say of each key: the value that it has there, and the comment beside it."""

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
        value: As the file gives it, without what it interpolates in its place.
        comment: The words beside the key and in the lines below that go on with them; empty if there are none.
    """

    value: Any
    comment: str


def entries(path: Path, prefix: str = "") -> dict[str, Entry]:
    """The keys of a YAML file, those of its sections as well, such as `split.kind`; `defaults` is none of them.

    Args:
        path: The file.
        prefix: In front of each key, such as `data.`.
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
    """Each key with its value and the place behind which a comment on it stands."""
    for name, below in node.value:
        key = str(name.value)
        if prefix + key == "defaults":
            continue
        is_block = below.style in ("|", ">") if isinstance(below, yaml.ScalarNode) else not below.flow_style
        yield prefix + key, values[key], name.end_mark if is_block else below.end_mark
        if isinstance(below, yaml.MappingNode) and is_block:
            yield from _keys(below, values[key], f"{prefix}{key}.")


def _comment(lines: list[str], after: yaml.Mark) -> str:
    """The comment that begins in the line of a mark, with the lines below whose comments begin in the same column."""
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
