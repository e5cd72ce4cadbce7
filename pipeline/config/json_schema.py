"""JSON schemas of config files, with which editors complete and check keys.

A file is a part of the config: it can omit any key, give `${another.key}` as a value, and begin with Hydra's
`defaults`.
"""

from __future__ import annotations

from typing import Any

from pipeline.config.key_documentation import Schema, architectures, inner_section, launchers, rules

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INTERPOLATION: Schema = {"type": "string", "pattern": r"\$\{.+\}"}
DEFAULTS: Schema = {
    "description": "Hydra's list of files to include, as in [base] or [override /data: iris].",
    "type": "array",
    "items": {"type": ["string", "object"]},
}


def json_schema(group: str = "experiment") -> Schema:
    """Returns the schema of a group's files.

    Args:
        group: Folder in conf/: `experiment` (`study` and conf/config.yaml have the same keys), `data`, `model`, `fit`,
            `hydra/launcher` or `hydra/sweeper`.
    """
    if group == "hydra/launcher":
        found = _plugin(_merged(launchers()))
    elif group == "hydra/sweeper":
        found = _plugin({"properties": {"params": {"type": "object", "description": "Ranges by key."}}})
    elif group == "model":
        found = _merged(architectures())
    elif group in ("experiment", "study"):
        found = rules()
        found["properties"] |= {
            "model": _merged(architectures()),
            "hydra": {"type": "object", "description": "Hydra's."},
        }
    else:
        found = rules()["properties"][group]
    properties = {"defaults": DEFAULTS} | _partial(found)["properties"]
    return {"$schema": DIALECT, "type": "object", "additionalProperties": False, "properties": properties}


def _merged(sections: dict[str, Schema]) -> Schema:
    """Merges the keys of several sections, because a file can be any of them."""
    merged: dict[str, dict[str, Schema]] = {}
    for name, section in sections.items():
        for key, rule in section["properties"].items():
            merged.setdefault(key, {})[name] = rule
    properties = {key: _any_of(of_each) for key, of_each in merged.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _any_of(of_each: dict[str, Schema]) -> Schema:
    """Returns a rule that accepts a key's values in any of the sections."""
    notes = ("description", "default")
    options = [{word: value for word, value in rule.items() if word not in notes} for rule in of_each.values()]
    unlike = [rule for number, rule in enumerate(options) if rule not in options[:number]]
    found = unlike[0] if len(unlike) == 1 else {"anyOf": unlike}
    said: dict[str, list[str]] = {}
    for name, rule in of_each.items():
        said.setdefault(rule.get("description", ""), []).append(name)
    is_one = len(said) == 1
    words = [text if is_one else f"{', '.join(names)}: {text}" for text, names in said.items() if text]
    return found | ({"description": "; ".join(words)} if words else {})


def _plugin(section: Schema) -> Schema:
    """Returns the schema of a Hydra plugin: a class and its arguments."""
    target = {"type": "string", "description": "The class, by its full name."}
    return {"properties": {"_target_": target} | section["properties"]}


def _partial(section: Schema) -> Schema:
    """Relaxes a section: any key may be missing, and any value may be an interpolation."""
    properties = {name: _partial_value(rule) for name, rule in section["properties"].items()}
    return {word: value for word, value in section.items() if word != "required"} | {"properties": properties}


def _partial_value(rule: Schema) -> Schema:
    inner = inner_section(rule)
    if inner is not None:
        part: Any = _partial(inner)
        return part if inner is rule else rule | {"anyOf": [part, {"type": "null"}]}
    if any(_takes_any_text(one) for one in rule.get("anyOf", [rule])):
        return rule
    notes = {word: rule[word] for word in ("description", "default") if word in rule}
    options = rule["anyOf"] if "anyOf" in rule else [{word: rule[word] for word in rule if word not in notes}]
    return notes | {"anyOf": [*options, INTERPOLATION]}


def _takes_any_text(rule: Schema) -> bool:
    return rule.get("type", "string") == "string" and not rule.keys() & {"enum", "const", "anyOf"}
