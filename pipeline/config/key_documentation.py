"""Rule, default and description of every key, for the JSON schema and the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline import model
from pipeline.config.comments import Entry, entries
from pipeline.config.compose import CONF
from pipeline.config.launchers import PREFIX, RULES
from pipeline.config.rules import Config
from pipeline.schema import Section

Schema = dict[str, Any]  # JSON schema of a value or a section, without references

# Files whose comments describe the keys of a section; the first comment on a key is used.
EXPLAINED_IN = {
    "data.": ("data/base.yaml", "data/plain_table.yaml"),
    "fit.": ("fit/base.yaml", "fit/adam.yaml"),
    "study.": ("study/width.yaml",),
}


def rules() -> Schema:
    """Returns the rules of the whole config except the section `model`, see `architectures`."""
    explained = entries(CONF / "config.yaml")
    for prefix, files in EXPLAINED_IN.items():
        below = "" if prefix != "study." else prefix  # a section of an experiment file
        for name in files:
            _add(explained, entries(CONF / name, "" if below else prefix), below)
    found = _plain(Config)
    del found["properties"]["model"]
    _explain(found, explained)
    return found


def architectures() -> dict[str, Schema]:
    """Returns the rules of the section `model` of each architecture."""
    found = {}
    for name in model.names():
        explained: dict[str, Entry] = {}
        for file in (CONF / "model" / f"{name}.yaml", CONF / "model" / "base.yaml"):
            if file.is_file():
                _add(explained, entries(file))
        found[name] = _plain(model.spec(name))
        _explain(found[name], explained)
    return found


def launchers() -> dict[str, Schema]:
    """Returns the rules of `hydra.launcher` for each of this package's launchers, by file name."""
    found = {}
    for path in sorted((CONF / PREFIX.rstrip(".").replace(".", "/")).glob("*.yaml")):
        explained = entries(path)
        found[path.stem] = _plain(RULES[explained.pop("_target_").value])
        _explain(found[path.stem], explained)
    return found


def leaves(section: Schema, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Yields the full key of each value in a section, such as `data.split.kind`, with its rule.

    Args:
        section: Rules of the section.
        prefix: Prefix of its keys.
    """
    for name, rule in section["properties"].items():
        inner = inner_section(rule)
        if inner is None:
            yield f"{prefix}{name}", rule
        else:
            yield from leaves(inner, f"{prefix}{name}.")


def inner_section(rule: Schema) -> Schema | None:
    """Returns the section in a key, even if it may be null; None if the key holds a value."""
    options = [one for one in rule.get("anyOf", [rule]) if one.get("type") != "null"]
    return options[0] if len(options) == 1 and "properties" in options[0] else None


def _add(explained: dict[str, Entry], more: Mapping[str, Entry], below: str = "") -> None:
    for key, entry in more.items():
        if key.startswith(below) and not (key in explained and explained[key].comment):
            explained[key] = entry


def _explain(section: Schema, explained: Mapping[str, Entry]) -> None:
    """Sets the description and default of each key; the keys of a study get no default."""
    for key, rule in leaves(section):
        if (entry := explained.get(key)) is not None:
            if not key.startswith("study."):
                rule["default"] = entry.value
            if entry.comment:
                rule["description"] = entry.comment


def _plain(section: type[Section]) -> Schema:
    """Returns a section's rules as JSON schema, with references inlined and without pydantic's titles."""
    found = section.model_json_schema()
    plain: Schema = _in_place(found, found.get("$defs", {}))
    return plain


def _in_place(node: Any, defined: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_in_place(one, defined) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _in_place(defined[node["$ref"].rpartition("/")[2]], defined)
    # A key may be named `title`: then its value is a rule, not a text.
    return {
        key: _in_place(value, defined)
        for key, value in node.items()
        if key != "$defs" and not (key == "title" and isinstance(value, str))
    }
