"""Composes and checks the jobs of a command line: one, or all combinations of a sweep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from pipeline import model
from pipeline.config import former
from pipeline.config.composer import Composer
from pipeline.config.overrides import apply, combinations, first_lines, listed, unknown_options
from pipeline.config.problems import inspect
from pipeline.config.ranges import DEPTH, WIDTH, layer_overrides
from pipeline.config.rules import Config
from pipeline.config.spelling import Spelling
from pipeline.errors import ConfigError

REFERENCE = re.compile(r"\$\{([\w.]+)\}")


@dataclass
class Jobs:
    """The checked jobs of a command line."""

    configs: list[Config] = field(default_factory=list)  # of the valid jobs
    problems: list[str] = field(default_factory=list)  # of the others, a line each
    notes: list[str] = field(default_factory=list)  # what to know of valid jobs
    # Words that Hydra would refuse or misread, and their replacements.
    for_hydra: dict[str, tuple[str, ...]] = field(default_factory=dict)


def checked_jobs(composer: Composer, overrides: Sequence[Override], is_search: bool) -> Jobs:
    """Composes every job, and collects the problems of all; for a search, jobs at the ends of the ranges.

    Args:
        composer: Of the config files.
        overrides: Those that are not for Hydra.
        is_search: Whether ranges of numbers are searched.
    """
    found = Jobs()
    groups, values = _groups_and_values(composer, overrides, found)
    spelling = Spelling(values)
    for chosen, given in combinations(groups, values, is_search):
        config = composer.own(chosen)
        found.problems += composer.former_keys(chosen)
        for override, value in given:
            spelling.add(config, override, value)
            found.problems += apply(config, override, value)
        if is_search:
            found.problems += _with_layers(config, composer)
        checked, wrong = _inspected(config)
        found.problems += wrong
        found.configs += [] if checked is None else [checked]
    found.problems += spelling.problems()
    found.notes += spelling.notes()
    found.for_hydra |= spelling.words()
    return found


def _groups_and_values(
    composer: Composer, overrides: Sequence[Override], found: Jobs
) -> tuple[list[Override], list[Override]]:
    """Separates overrides that select files from those that set keys; a missing file is a problem."""
    groups, values = [], []
    for override in overrides:
        options = composer.options_of(override.key_or_group)
        if not options:
            values.append(override)
        elif wrong := unknown_options(override, options):
            found.problems += wrong
        else:
            groups.append(override)
            found.for_hydra |= listed(override)
    return groups, values


def _inspected(config: DictConfig) -> tuple[Config | None, list[str]]:
    """Returns the checked config, or a line per mistake; unresolvable values hide other mistakes."""
    try:
        values = resolved(config)
    except ConfigError as error:
        return None, str(error).splitlines()
    return inspect(values)


def _with_layers(config: DictConfig, composer: Composer) -> list[str]:
    """Sets the layers for the depth and width of a search's trial, as the trial does."""
    name, depth, width = (OmegaConf.select(config, key) for key in ("model.name", DEPTH, WIDTH))
    if name not in model.names() or type(depth) is not int or type(width) is not int:
        return []  # not searched, or an error that the rules report
    try:
        made = composer.parse(layer_overrides(name, depth, width))
    except ConfigError as error:
        return [str(error)]
    return [line for override in made for line in apply(config, override, override.value())]


def resolved(config: DictConfig) -> dict[str, Any]:
    """Returns the values of a composed config, with interpolations resolved.

    Raises:
        ConfigError: Values that cannot be resolved, a line each.
    """
    try:
        values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:  # its message names only the first
        raise ConfigError("\n".join(unresolved_in(config) or [first_lines(error)])) from None
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def unresolved_in(config: DictConfig) -> list[str]:
    """Returns a line for each value that cannot be resolved, such as `${nosuch}`."""
    lines = []
    for parent, name in _places(config):
        try:
            _ = parent[name]
        except OmegaConfBaseException as error:
            key = parent._get_full_key(name)
            given = parent._get_node(name)._value() if not OmegaConf.is_missing(parent, name) else "???"
            lines.append(f"{key}: {given} {_of_former_keys(given) or _why_unresolved(error)}")
    return lines


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    """Yields, for each value of a config, its section or list and its name or index there."""
    names = range(len(container)) if OmegaConf.is_list(container) else list(container)
    for name in names:
        node = container._get_node(name)
        if OmegaConf.is_config(node) and not node._is_none() and not node._is_interpolation():
            yield from _places(node)
        else:
            yield container, name


def _of_former_keys(given: Any) -> str | None:
    """Returns the message for a value that refers to keys of an earlier version; None for any other."""
    said = [former.says_new(key) for key in REFERENCE.findall(str(given)) if former.new_key(key)]
    return f"cannot be resolved: {', '.join(said)}" if said else None


def _why_unresolved(error: OmegaConfBaseException) -> str:
    reason = first_lines(error).strip().partition("\n")[0]
    if isinstance(error, MissingMandatoryValue):
        return "marks a value that must be given"
    if isinstance(error, InterpolationResolutionError) and "Environment variable" in reason:
        return "names an environment variable that is not set; set it, or give a default: ${oc.env:NAME,value}"
    return f"cannot be resolved ({reason}); name a key as in ${{seed}}, or write \\${{ for a literal ${{"
