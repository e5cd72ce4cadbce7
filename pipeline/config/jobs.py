"""Every job that a command line stands for, composed and checked: one, or all that a sweep combines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from pipeline import model
from pipeline.config.composer import Composer
from pipeline.config.overrides import apply, combinations, is_refused_by_hydra, listed, unknown_options
from pipeline.config.problems import inspect
from pipeline.config.ranges import DEPTH, WIDTH, layer_overrides
from pipeline.config.rules import Config
from pipeline.errors import ConfigError


@dataclass
class Jobs:
    """What the jobs come to."""

    configs: list[Config] = field(default_factory=list)  # of those that are right
    problems: list[str] = field(default_factory=list)  # a line each, of all the others
    for_hydra: dict[str, str] = field(default_factory=dict)  # words that it would take otherwise, as it gets them


def checked_jobs(composer: Composer, overrides: Sequence[Override], is_search: bool) -> Jobs:
    """Composes every job and gathers what is wrong with any of them; of a search, those at the ends of the ranges.

    Args:
        composer: Of the files.
        overrides: Those that are not for Hydra.
        is_search: Whether ranges of numbers are searched.
    """
    found, groups, values = Jobs(), [], []
    for override in overrides:
        options = composer.options_of(override.key_or_group)
        if not options:
            values.append(override)
        elif wrong := unknown_options(override, options):
            found.problems += wrong
        else:
            groups.append(override)
            found.for_hydra |= listed(override)
    for chosen, given in combinations(groups, values, is_search):
        config = composer.own(chosen)
        for override, value in given:
            if is_refused_by_hydra(config, override, value):
                found.for_hydra[str(override.input_line)] = f"++{override.input_line}"
            found.problems += apply(config, override, value)
        if is_search:
            found.problems += _with_layers(config, composer)
        checked, wrong = inspect(resolved(config))
        found.problems += wrong
        found.configs += [] if checked is None else [checked]
    return found


def _with_layers(config: DictConfig, composer: Composer) -> list[str]:
    """Sets what follows from the depth and width of a search's trial, as the trial would have it."""
    name, depth, width = (OmegaConf.select(config, key) for key in ("model.name", DEPTH, WIDTH))
    if name not in model.names() or type(depth) is not int or type(width) is not int:
        return []  # not searched, or an error that the rules tell of
    try:
        made = composer.parse(layer_overrides(name, depth, width))
    except ConfigError as error:
        return [str(error)]
    return [line for override in made for line in apply(config, override, override.value())]


def resolved(config: DictConfig) -> dict[str, Any]:
    """The values of a composed configuration, those among them that refer to others too."""
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}
