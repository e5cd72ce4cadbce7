"""The reference of every key as a Markdown page: values by the rules, default and meaning by the files of conf/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.config.comments import entries
from pipeline.config.compose import CONF
from pipeline.config.key_documentation import Schema, architectures, launchers, leaves, rules
from pipeline.config.per_column import BY_COLUMN, DEFAULT
from pipeline.schema import LARGEST

COMMAND = "python -m pipeline schema --format markdown --output docs/reference/keys.md"
HEAD = f"""\
# Every key

All keys of the config, as `make train ARGS="key=value"`, a sweep, `pipeline.load` and YAML files take them. *Values* is
what the rules admit; *default* is what holds where nothing else is said, and beside it what a file that is chosen
(`data=table`, `fit=sgd`) says instead. `python -m pipeline train --help` prints the composed values, and
`python -m pipeline schema` a JSON schema by which editors complete these keys.

This page is written by `{COMMAND}`.
"""
TITLES = {
    "data": "`data`: rows, target, preprocessing, split",
    "fit": "`fit`: training",
    "decision": "`decision`: thresholds, temperature, intervals",
    "tracking": "`tracking`: where runs are logged",
    "sweep": "`sweep`: what a sweep or a search does around its trials",
    "search": "`search`: what `hydra/sweeper=search` looks for, and how",
    "tune": "`tune`: the best model in a given time",
    "study": "`study`: a question, the sweep that answers it, and its picture",
}
# Files that set defaults of their own beside the one that holds where nothing is said. Those of the bundled data are
# left out: what they say is about that set.
OTHERS = {"data": ("table",), "model": ("dense_regularized", "linear")}
SPECIAL = re.compile(r"([\\*<>|])")


def page() -> str:
    """The whole page."""
    whole = rules()
    top = [name for name, rule in whole["properties"].items() if name not in TITLES]
    first = {"properties": {name: whole["properties"][name] for name in top}}
    parts = [HEAD, _section("The experiment as a whole", first)]
    for name, title in TITLES.items():
        if name == "fit":  # the stages in their order: data, model, fit
            parts += _of_architectures()
        section: Schema = {"properties": {name: whole["properties"][name]}}
        parts.append(_section(title, section, name))
    parts += [
        _section(f"`hydra.launcher` of `hydra/launcher={name}`", section, prefix="hydra.launcher.")
        for name, section in launchers().items()
    ]
    return "\n".join(parts)


def _of_architectures() -> Iterator[str]:
    """A table for the keys that all of them have, and one for those of each."""
    found = architectures()
    shared = entries(CONF / "model" / "base.yaml")
    any_one = next(iter(found.values()))
    yield _section("`model` of every architecture", _some(any_one, [*shared]), prefix="model.")
    for name, section in found.items():
        own = [key for key in section["properties"] if key not in shared]
        others = "model" if name == "dense" else ""
        yield _section(f"`model` of `model={name}`", _some(section, own), others, "model.")


def _some(section: Schema, keys: Sequence[str]) -> Schema:
    return {"properties": {key: section["properties"][key] for key in keys}}


def _section(title: str, section: Schema, group: str = "", prefix: str = "") -> str:
    """A heading and a table.

    Args:
        title: The heading.
        section: Whose keys are listed.
        group: Whose other files are looked at for other defaults.
        prefix: In front of each key.
    """
    other = _other_defaults(group)
    lines = [f"## {title}", "", "| key | values | default | meaning |", "|---|---|---|---|"]
    for name, rule in leaves(section, prefix):
        default = _code(rule["default"]) if "default" in rule else ""
        unlike = {word: value for word, value in other.get(name, {}).items() if value != rule.get("default")}
        values = [default, *(f"`{word}`: {_code(value)}" for word, value in unlike.items())]
        cells = [f"`{name}`", _words(rule), "; ".join(values), SPECIAL.sub(r"\\\1", rule.get("description", ""))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _other_defaults(group: str) -> dict[str, dict[str, Any]]:
    """By key, what other files of a group say, by the words that choose them."""
    found: dict[str, dict[str, Any]] = {}
    is_group = (CONF / group).is_dir() and group
    names = sorted(path.stem for path in (CONF / group).glob("*.yaml") if path.stem != "base") if is_group else []
    for name in OTHERS.get(group, names):
        for key, entry in entries(CONF / group / f"{name}.yaml", f"{group}.").items():
            found.setdefault(key, {})[f"{group}={name}"] = entry.value
    return found


def _words(rule: Schema) -> str:
    """The values that a rule admits, in words."""
    options = _options(rule)
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _options(rule: Schema) -> list[str]:
    if "anyOf" in rule:
        return list(_alternatives(rule["anyOf"]))
    if "enum" in rule or "const" in rule:
        return [_code(value) for value in rule.get("enum", [rule.get("const")])]
    kind = rule.get("type")
    if kind in ("integer", "number"):
        return [_bounded("whole number" if kind == "integer" else "number", rule)]
    if kind == "array":
        return [f"list of {_words(rule['items'])}" if rule["items"] else "list"]
    if kind == "object":
        return [_mapping(rule)]
    return {"boolean": ["`true`", "`false`"], "null": ["`null`"], "string": ["text"]}[str(kind)]


def _alternatives(rules: Sequence[Schema]) -> Iterator[str]:
    """What each admits; one for each layer is told as a list of what is admitted for all."""
    for rule in rules:
        if rule == {"type": "array", "items": rules[0]}:
            yield "a list of these"
        else:
            yield from _options(rule)


def _mapping(rule: Schema) -> str:
    if {*rule.get("properties", ())} == {DEFAULT, BY_COLUMN}:
        return f"{{`{DEFAULT}`: one of these; `{BY_COLUMN}`: names of columns to these}}"
    if "properties" in rule:
        return "; ".join(f"`{name}`: {_words(inner)}" for name, inner in rule["properties"].items()).join(("{", "}"))
    return f"mapping of names to {_words(rule['additionalProperties'])}"


def _bounded(kind: str, rule: Schema) -> str:
    """A kind of number between its bounds; that of float32 goes without saying."""
    low, above = rule.get("minimum"), rule.get("exclusiveMinimum")
    high, below = rule.get("maximum"), rule.get("exclusiveMaximum")
    high = None if high == LARGEST else high
    upper = f" ≤ {high}" if high is not None else f" < {below}" if below is not None else ""
    if low is None and above is None:
        return kind + upper
    if upper:
        return f"{low} ≤ {kind}{upper}" if low is not None else f"{above} < {kind}{upper}"
    return f"{kind} ≥ {low}" if low is not None else f"{kind} > {above}"


def _code(value: Any) -> str:
    """A value as YAML has it on one line."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return f"`{text}`".replace("|", r"\|")
