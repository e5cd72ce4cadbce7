"""Checks values: returns a Config, or a list of all mistakes."""

import difflib
import typing
from collections.abc import Iterator
from types import UnionType
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline import model
from pipeline.config.quoting import in_shell, quoted
from pipeline.config.rules import Config, schema
from pipeline.errors import ConfigError, did_you_mean
from pipeline.schema import Section


def check(values: dict[str, Any]) -> Config:
    """Checks a composed configuration.

    Args:
        values: Nested dict of the YAML files and overrides.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    config, problems = inspect(values)
    if config is None:
        raise ConfigError("\n".join(problems))
    return config


def inspect(values: dict[str, Any]) -> tuple[Config | None, list[str]]:
    """Checks a composed config; returns the Config or None, and a line per mistake."""
    section = values.get("model")
    name = section.get("name") if isinstance(section, dict) else None
    spec = model.spec(name) if name in model.names() else None
    problems = []
    if spec is None:
        problems.append(
            f"model.name: should be {_or(model.names())}, got {name!r}{did_you_mean(str(name), model.names())}"
        )
    rules = schema(spec)
    try:
        config = rules.model_validate(values)
    except ValidationError as error:
        return None, problems + messages_of(error, rules, values)
    return (None, problems) if problems else (config, [])


def keys_of_values(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yields every full key of a nested dict.

    Args:
        values: The dict.
        prefix: Prefix of the keys.
    """
    for name, value in values.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from keys_of_values(value, f"{prefix}{name}.")


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yields every full key of a section, such as `fit.early_stopping.patience`.

    Args:
        section: The section.
        prefix: Prefix of the keys.
    """
    for name, field in section.model_fields.items():
        inner = _section_in(field.annotation)
        yield f"{prefix}{name}"
        if inner is not None:
            yield from keys(inner, f"{prefix}{name}.")


def nearest_key(key: str, known: list[str]) -> str | None:
    """Finds the key that was probably meant: the last part counts most, then the section.

    Args:
        key: As given.
        known: The valid keys.
    """

    def likeness(candidate: str) -> tuple[float, bool, float]:
        leaf = difflib.SequenceMatcher(None, key.rpartition(".")[2], candidate.rpartition(".")[2]).ratio()
        is_of_section = key.partition(".")[0] == candidate.partition(".")[0]
        return leaf, is_of_section, difflib.SequenceMatcher(None, key, candidate).ratio()

    best = max(known, key=likeness)
    leaf, _, whole = likeness(best)
    return best if leaf >= 0.6 or whole >= 0.8 else None


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, Section) else None
    options = typing.get_args(annotation) if isinstance(annotation, UnionType) or typing.get_origin(annotation) else ()
    return next((found for option in options if (found := _section_in(option))), None)


def messages_of(error: ValidationError, rules: type[BaseModel], values: dict[str, Any]) -> list[str]:
    """Returns a line per wrong key; several errors of a union about one value are merged.

    Args:
        error: Of pydantic.
        rules: The checked model.
        values: The checked values.
    """
    known = list(keys(rules))
    lines: list[str] = []
    complaints: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors():
        key = _key(detail["loc"], values)
        if detail["type"] == "extra_forbidden":
            lines.append(_of_another(key) or _unknown(key, known))
        elif detail["type"] == "missing":
            lines.append(_missing(key, str(detail["loc"][-1])))
        elif detail["type"] == "value_error":
            lines.append(_own(key, detail))
        else:
            complaints.setdefault(key, []).append(detail)
    reported = (*lines, *complaints)
    # If a branch of the union has errors deeper inside, the user meant that branch.
    meant = [key for key in complaints if not any(line.startswith(f"{key}.") for line in reported)]
    return lines + [_should_be(key, complaints[key]) for key in meant]


def _of_another(key: str) -> str | None:
    """Returns the message for a key that only other architectures have; None for any other key."""
    section, _, name = key.partition(".")
    having = [other for other in model.names() if section == "model" and name in model.spec(other).model_fields]
    return f"{key}: needs {_or([f'model={other}' for other in having])}; add that to use it" if having else None


def _unknown(key: str, known: list[str]) -> str:
    near = nearest_key(key, known)
    return f"{key}: unknown key" + (f", did you mean '{near}'?" if near else "; see --help for the keys")


def _missing(section: str, name: str) -> str:
    key = f"{section}.{name}".lstrip(".")
    return f"{key}: missing; the files in conf/ set every key, so one of your files or overrides removes it"


def _own(key: str, detail: ErrorDetails) -> str:
    """Returns the message of a rule; that of a section begins with the key inside it."""
    words = str(detail["ctx"]["error"])
    if not isinstance(detail["input"], dict):
        return f"{key}: {words}"
    return f"{key}.{words}" if key else words


def _should_be(key: str, complaints: list[ErrorDetails]) -> str:
    """Returns the values that the branches of a union accept, and the given value."""
    wanted = ["a section of keys" if one["type"] == "model_type" else one["msg"] for one in complaints]
    options = [text.removeprefix("Input should be ") for text in dict.fromkeys(wanted)]
    words = [word.strip("'") for text in options for word in text.replace(" or ", ", ").split(", ")]
    given = complaints[-1]["input"]
    is_text = any(one["type"] == "string_type" for one in complaints) and isinstance(given, bool | int | float)
    hint = _as_text(key, given) if is_text else did_you_mean(str(given), words)
    return f"{key}: should be {_or(options)}, got {given!r}{hint}"


def _as_text(key: str, given: object) -> str:
    """Explains how to give a number or a boolean as text, also in a list."""
    if key.endswith(f".{given}"):  # a name from the user, which Hydra reads as a number even in quotes
        return "; put it in a config file"
    whole, bracket, _ = key.rpartition("[")
    word = f"{whole}=[{quoted(given)}]" if bracket else f"{key}={quoted(given)}"
    return f"; quote a text twice: {in_shell(word)}"


def _key(loc: tuple[int | str, ...], values: Any) -> str:
    """Returns the full key of a pydantic location, without the union branches in it."""
    key, node = "", values
    for part in loc:
        if isinstance(node, dict) and part in node:
            key, node = f"{key}.{part}" if key else str(part), node[part]
        elif isinstance(node, list) and isinstance(part, int):
            key, node = f"{key}[{part}]", node[part]
    return key


def _or(options: list[str]) -> str:
    return options[0] if len(options) == 1 else ", ".join(options[:-1]) + " or " + options[-1]
