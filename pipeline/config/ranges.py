"""Search spaces: Hydra's sweeps as choices and intervals, checked at both ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    RangeSweep,
    Transformer,
)

from pipeline import model
from pipeline.config.search_rules import Search
from pipeline.errors import ConfigError

DEPTH, WIDTH = "search.depth", "search.width"  # of hidden layers; each architecture maps them to its keys
TAGS = {"log"}


@dataclass(frozen=True)
class Choice:
    """A list of values, as written in overrides."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Interval:
    """A range of numbers, including both ends; with a step, a finite one."""

    low: float
    high: float
    step: float | None = None
    log: bool = False  # uniform in the logarithm

    @property
    def is_integer(self) -> bool:
        """Whether the values are integers."""
        return isinstance(self.low, int)

    def values(self) -> tuple[float, ...] | None:
        """Returns all values; None for a continuous range."""
        if self.step is None:
            return tuple(range(int(self.low), int(self.high) + 1)) if self.is_integer else None
        steps = range(round((self.high - self.low) / self.step) + 1)
        return tuple(
            self.low + i * self.step if self.is_integer else round(self.low + i * self.step, 12) for i in steps
        )


Range = Choice | Interval


def values_of(given: Range) -> tuple[str, ...] | None:
    """Returns all values of a range, as written in overrides; None for a continuous range."""
    if isinstance(given, Choice):
        return given.values
    values = given.values()
    return None if values is None else tuple(repr(value) for value in values)


def ends(override: Override) -> list[Any]:
    """Returns the values at which a range is checked: its ends, because the rule of a key is an interval too."""
    found = range_of(override, lambda group: [])
    return [found.low, found.high] if isinstance(found, Interval) else list(override.sweep_iterator())


def range_of(override: Override, options: Callable[[str], list[str]]) -> Range:
    """Returns the range of a swept override.

    Args:
        override: Such as `fit.learning_rate=tag(log,interval(1e-4,1e-1))`.
        options: Returns the files of a config group, for `glob`.

    Raises:
        ConfigError: The range is invalid.
    """
    value, line = override._value, override.input_line
    if isinstance(value, IntervalSweep):
        return _interval(value, line)
    if isinstance(value, RangeSweep):
        return _range(value, line)
    if isinstance(value, Glob):
        names = tuple(value.filter(options(override.key_or_group)))
        return Choice(_some(names, line))
    assert isinstance(value, ChoiceSweep)
    _no_tags(value.tags, line)
    return Choice(_some([Transformer.str(one) for one in value.list], line))


def search_space(
    overrides: Sequence[Override], options: Callable[[str], list[str]]
) -> tuple[dict[str, Range], list[str]]:
    """Separates the ranges of a search, by key, from the overrides that all jobs share.

    Args:
        overrides: Of the command line and the config file.
        options: Returns the files of a config group, for `glob`.

    Raises:
        ConfigError: A range is invalid, or a key has two.
    """
    space: dict[str, Range] = {}
    fixed = []
    for override in overrides:
        key = override.get_key_element()
        if override.is_sweep_override():
            if key in space:
                raise ConfigError(f"{override.input_line}: {key} is searched twice; give one range")
            space[key] = range_of(override, options)
        elif key in (DEPTH, WIDTH):
            space[key] = Choice((override.get_value_element_as_str(),))
        else:
            fixed.append(str(override.input_line))
    return space, fixed


def unsuitable(space: dict[str, Range], search: Search, architectures: Sequence[str], is_search: bool) -> list[str]:
    """Returns a line for each conflict in a search space or grid.

    Args:
        space: Ranges by key.
        search: The section `search`.
        architectures: Architectures of the jobs.
        is_search: Whether it is a search rather than a grid.
    """
    layers = [key for key in (DEPTH, WIDTH) if key in space]
    lines = _unsuitable_layers(layers, space, search, architectures, is_search) if layers else []
    if not is_search:
        return lines
    if not space:
        lines.append("hydra/sweeper=search: needs ranges to search, as in fit.batch_size=16,32")
    continua = [key for key, given in space.items() if values_of(given) is None]
    if search.sampler == "grid" and continua:
        key = continua[0]
        lines.append(f"{key}: a grid needs values, as in {key}=1,2 or {key}=range(1,5); or use another search.sampler")
    if search.sampler == "cmaes" and space and all(isinstance(given, Choice) for given in space.values()):
        lines.append("search.sampler: cmaes searches numbers, as in interval(0,1); use tpe for choices")
    return lines


def layer_overrides(architecture: str, depth: int, width: int) -> list[str]:
    """Returns the overrides for hidden layers of one width; none if the architecture declares no hidden layers.

    Args:
        architecture: Name of the architecture.
        depth: Number of hidden layers.
        width: Units of each.

    Raises:
        ConfigError: The architecture needs more layers.
    """
    layers = model.searchable(architecture).hidden_layers
    if layers is None:
        return []
    if depth < layers.fewest:
        raise ConfigError(f"{DEPTH}: {architecture} has at least {layers.fewest} hidden layers, got {depth}")
    return [f"model.{key}={value}" for key, value in layers.values([str(width)] * depth).items()]


def _unsuitable_layers(
    given: list[str], space: dict[str, Range], search: Search, architectures: Sequence[str], is_search: bool
) -> list[str]:
    """Returns a line for each problem of depth and width, at least one of which is given."""
    if wrong := _unsuitable_architectures(architectures):
        return [f"{key}: {wrong}" for key in given]
    layers = model.searchable(architectures[0]).hidden_layers
    assert layers is not None, "the architecture declares them"
    keys = [f"model.{key}" for key in layers.keys]
    if not is_search:
        return [f"{key}: applies to searches; add hydra/sweeper=search, or sweep over {keys[0]}" for key in given]
    lines = [f"{key}: is set by {DEPTH} and {WIDTH}; omit it, or those two" for key in keys if key in space]
    for missing in {DEPTH, WIDTH} - set(given):
        lines.append(f"{missing}: missing; {DEPTH} and {WIDTH} together set {keys[0]}")
    if search.width_of == "layer" and not layers.own_widths:
        lines.append(f"search.width_of: hidden layers of {architectures[0]} have the same width; leave it at network")
    return lines


def _unsuitable_architectures(architectures: Sequence[str]) -> str | None:
    """Returns why depth and width cannot be searched in these architectures; None if they can."""

    def can_be_searched(name: str) -> bool:
        return model.searchable(name).hidden_layers is not None

    if without := [name for name in architectures if not can_be_searched(name)]:
        others = " or ".join(f"model={name}" for name in model.names() if can_be_searched(name))
        return f"the architecture {without[0]} has no hidden layers to search; omit the key, or use {others}"
    if len(architectures) > 1:
        return f"sets different keys in the architectures {' and '.join(architectures)}; use one of them"
    return None


def _interval(value: IntervalSweep, line: str | None) -> Interval:
    _no_tags(value.tags - TAGS, line)
    low, high = value.start, value.end
    assert low is not None
    assert high is not None
    log = "log" in value.tags
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ConfigError(f"{line}: the ends of an interval must be finite")
    if not low < high:
        raise ConfigError(f"{line}: an interval must begin below its end; {low} is not below {high}")
    if log and low <= 0:
        raise ConfigError(f"{line}: a logarithmic interval must begin above 0, not at {low}")
    return Interval(low, high, None, log)


def _range(value: RangeSweep, line: str | None) -> Range:
    _no_tags(value.tags - TAGS, line)
    if not value.step:
        raise ConfigError(f"{line}: a range needs a step other than 0")
    values = list(value.range())
    if not values:
        raise ConfigError(f"{line}: the range is empty: it begins at {value.start} and ends before {value.stop}")
    if len(values) == 1 or "log" in value.tags:
        if min(values) <= 0 and "log" in value.tags:
            raise ConfigError(f"{line}: a logarithmic range must begin above 0, not at {min(values)}")
        return Choice(tuple(repr(one) for one in values))
    return Interval(min(values), max(values), abs(value.step))


def _no_tags(tags: set[str], line: str | None) -> None:
    if tags:
        raise ConfigError(f"{line}: unknown tag {', '.join(sorted(tags))}; the only tag is log, for intervals")


def _some(values: Sequence[str], line: str | None) -> tuple[str, ...]:
    if not values:
        raise ConfigError(f"{line}: the list of values is empty")
    return tuple(dict.fromkeys(values))
