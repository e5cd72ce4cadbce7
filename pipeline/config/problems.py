"""From values to a checked Config, or to a list of everything that is wrong with them."""

import difflib
import typing
from collections.abc import Iterator
from types import UnionType
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline import model
from pipeline.config.rules import Config, schema
from pipeline.errors import ConfigError
from pipeline.schema import Section


def check(values: dict[str, Any]) -> Config:
    """Checks a composed configuration.

    Args:
        values: Nested dict as the YAML files and overrides give it.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    config, problems = inspect(values)
    if config is None:
        raise ConfigError("\n".join(problems))
    return config


def inspect(values: dict[str, Any]) -> tuple[Config | None, list[str]]:
    """The checked Config, or None and one line per mistake."""
    section = values.get("model")
    name = section.get("name") if isinstance(section, dict) else None
    spec = model.spec(name) if name in model.names() else None
    problems = []
    if spec is None:
        problems.append(f"model.name: should be {_or(model.names())}, got {name!r}{_hint(str(name), model.names())}")
    rules = schema(spec)
    try:
        config = rules.model_validate(values)
    except ValidationError as error:
        return None, problems + told(error, rules, values)
    return (None, problems) if problems else (config, [])


def keys_of_values(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every full key of a nested dict."""
    for name, value in values.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from keys_of_values(value, f"{prefix}{name}.")


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every full key below a section, such as `fit.early_stopping.patience`."""
    for name, field in section.model_fields.items():
        inner = _section_in(field.annotation)
        yield f"{prefix}{name}"
        if inner is not None:
            yield from keys(inner, f"{prefix}{name}.")


def nearest_key(key: str, known: list[str]) -> str | None:
    """The known key that the given one most likely stands for: its last part counts most, the whole decides ties."""

    def likeness(candidate: str) -> tuple[float, float]:
        leaf = difflib.SequenceMatcher(None, key.rpartition(".")[2], candidate.rpartition(".")[2]).ratio()
        return leaf, difflib.SequenceMatcher(None, key, candidate).ratio()

    best = max(known, key=likeness)
    leaf, whole = likeness(best)
    return best if leaf >= 0.6 or whole >= 0.8 else None


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, Section) else None
    options = typing.get_args(annotation) if isinstance(annotation, UnionType) or typing.get_origin(annotation) else ()
    return next((found for option in options if (found := _section_in(option))), None)


def told(error: ValidationError, rules: type[BaseModel], values: dict[str, Any]) -> list[str]:
    """One line per key that is wrong; a union's several complaints about one value become alternatives."""
    known = list(keys(rules))
    alternatives: dict[str, list[str]] = {}
    given: dict[str, Any] = {}
    lines = []
    for detail in error.errors():
        key = _key(detail["loc"], values)
        if detail["type"] == "extra_forbidden":
            near = nearest_key(key, known)
            lines.append(f"{key}: unknown key" + (f", did you mean '{near}'?" if near else "; see --help for the keys"))
        elif detail["type"] == "missing":
            full = f"{key}.{detail['loc'][-1]}".lstrip(".")
            lines.append(
                f"{full}: missing; the files in conf/ set every key, so a file or override of yours removes it"
            )
        elif detail["type"] == "value_error":
            own = str(detail["ctx"]["error"])
            of_section = isinstance(detail["input"], dict)  # then the message begins with the key inside it
            lines.append(f"{key}.{own}" if of_section and key else own if of_section else f"{key}: {own}")
        else:
            wanted = "a section of keys" if detail["type"] == "model_type" else detail["msg"]
            alternatives.setdefault(key, []).append(wanted)
            given[key] = detail["input"]
    for key, messages in alternatives.items():
        if any(line.startswith(f"{key}.") for line in (*lines, *alternatives)):
            continue  # a branch of the union went deeper, so the others were not meant
        options = [message.removeprefix("Input should be ") for message in dict.fromkeys(messages)]
        hint = _hint(
            str(given[key]), [word.strip("'") for text in options for word in text.replace(" or ", ", ").split(", ")]
        )
        lines.append(f"{key}: should be {_or(options)}, got {given[key]!r}{hint}")
    return lines


def _key(loc: tuple[int | str, ...], values: Any) -> str:
    """The full key of a pydantic location, without the union branches that it names too."""
    key, node = "", values
    for part in loc:
        if isinstance(node, dict) and part in node:
            key, node = f"{key}.{part}" if key else str(part), node[part]
        elif isinstance(node, list) and isinstance(part, int):
            key, node = f"{key}[{part}]", node[part]
    return key


def _hint(given: str, options: list[str]) -> str:
    near = difflib.get_close_matches(given, options, n=1, cutoff=0.6)
    return f", did you mean '{near[0]}'?" if near else ""


def _or(options: list[str]) -> str:
    return options[0] if len(options) == 1 else ", ".join(options[:-1]) + " or " + options[-1]
