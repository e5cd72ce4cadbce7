"""Trials of a search space: their values, and the order of grids and random draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.config.ranges import DEPTH, WIDTH, Choice, Interval, Range, values_of
from pipeline.config.search_rules import Search
from pipeline.model import HiddenLayers

Value = str | float  # text for a choice, a number for an interval
Params = dict[str, Value]  # by key, or by the name of a layer's width
MISSES = 1000  # repeated draws in a row, after which the rest of a finite space follows in grid order


@dataclass(frozen=True)
class Space:
    """What the trials of a search are drawn from."""

    ranges: dict[str, Range]  # by the key of the override
    layers: HiddenLayers | None = None  # of the architecture, if depth and width are searched
    width_of: str = "network"  # or `layer`: each layer has its own width

    def assigned(self, draw: Callable[[str, Range], Value]) -> Params:
        """Returns the values of one trial, each from `draw`, with as many widths as the trial has layers."""
        params = {key: draw(key, given) for key, given in self.ranges.items() if key != WIDTH}
        for name in self._widths(params):
            params[name] = draw(name, self.ranges[WIDTH])
        return params

    def overrides(self, params: Params) -> list[str]:
        """Returns the values of one trial as Hydra overrides."""
        keys = [key for key in self.ranges if key not in (DEPTH, WIDTH)]
        lines = [f"{key}={as_text(self.ranges[key], params[key])}" for key in keys]
        if self.layers is not None and DEPTH in self.ranges:
            widths = [as_text(self.ranges[WIDTH], params[name]) for name in self._widths(params)]
            widths *= 1 if self.width_of == "layer" else int(params[DEPTH])
            lines += [f"model.{key}={value}" for key, value in self.layers.values(widths).items()]
        return lines

    @property
    def n_trials(self) -> int | None:
        """Number of different trials; None if a range is continuous."""
        sizes = {}
        for key, given in self.ranges.items():
            values = values_of(given)
            if values is None:
                return None
            sizes[key] = len(values)
        n_others = math.prod(size for key, size in sizes.items() if key not in (DEPTH, WIDTH))
        if DEPTH not in self.ranges:
            return n_others
        return n_others * sum(sizes[WIDTH] ** len(self._widths_at(depth)) for depth in self._depths())

    def grid(self) -> Iterator[Params]:
        """Yields all combinations; the last key changes fastest, as in Hydra's grid."""
        keys = [key for key in self.ranges if key != WIDTH]
        for chosen in itertools.product(*(_all(self.ranges[key]) for key in keys)):
            params = dict(zip(keys, chosen, strict=True))
            names = self._widths(params)
            for widths in itertools.product(*(_all(self.ranges[WIDTH]) for _ in names)):
                yield params | dict(zip(names, widths, strict=True))

    def names(self) -> list[str]:
        """Returns the names of all values that a trial can have."""
        return [key for key in self.ranges if key != WIDTH] + self._widths_at(max(self._depths(), default=0))

    def _depths(self) -> list[int]:
        return [int(depth) for depth in values_of(self.ranges[DEPTH]) or ()] if DEPTH in self.ranges else []

    def _widths(self, params: Params) -> list[str]:
        return self._widths_at(int(params[DEPTH])) if DEPTH in self.ranges else []

    def _widths_at(self, depth: int) -> list[str]:
        """Returns the names of the widths of a network of that depth."""
        return [f"{WIDTH}.{layer}" for layer in range(depth)] if self.width_of == "layer" else [WIDTH] * min(depth, 1)


def as_text(given: Range, value: Value) -> str:
    """Formats a value for an override; a continuous value gets six digits, enough for any trial.

    Args:
        given: The range of the value.
        value: The value.
    """
    if isinstance(given, Choice):
        return str(value)
    if given.is_integer:
        return str(int(value))
    short = float(f"{value:.6g}")
    return repr(short if given.low <= short <= given.high else float(value))


def in_order(space: Space, search: Search) -> Iterator[Params]:
    """Yields the trials of a grid, or those that are drawn independently of results, each once.

    Their order depends only on the space and `search.seed`: every process gets the same trials.

    Args:
        space: Search space.
        search: Sampler and seed.
    """
    if search.sampler == "grid":
        yield from space.grid()
        return
    points = _sobol(space, search) if search.sampler == "qmc" else _random(search.seed)
    seen: set[tuple[str, ...]] = set()
    yield from _distinct(space, (space.assigned(_placed(point)) for point in points), seen)
    for params in space.grid():  # the combinations of a finite space that were not drawn
        if tuple(space.overrides(params)) not in seen:
            yield params


def drawn(space: Space, seed: int, number: int) -> Params:
    """Draws one trial, which depends only on the arguments.

    Args:
        space: Search space.
        seed: Of the search.
        number: Of the trial.
    """
    return space.assigned(_placed(_drawing(np.random.default_rng([seed, number]))))


def _distinct(space: Space, drawn: Iterable[Params], seen: set[tuple[str, ...]]) -> Iterator[Params]:
    """Yields the trials not in `seen`, and adds them; stops when a finite space is exhausted or almost so."""
    total, misses = space.n_trials, 0
    for params in drawn:
        key = tuple(space.overrides(params))
        misses = misses + 1 if key in seen else 0
        if key not in seen:
            seen.add(key)
            yield params
        if total is not None and (len(seen) == total or misses > MISSES):
            return


def _all(given: Range) -> tuple[Value, ...]:
    values = given.values if isinstance(given, Choice) else given.values()
    assert values is not None
    return tuple(values)


def _random(seed: int) -> Iterator[Callable[[str], float]]:
    """Yields random points of the unit cube, whose coordinates are drawn on demand."""
    for number in itertools.count():
        yield _drawing(np.random.default_rng([seed, number]))


def _drawing(generator: np.random.Generator) -> Callable[[str], float]:
    return lambda name: float(generator.random())


def _placed(point: Callable[[str], float]) -> Callable[[str, Range], Value]:
    return lambda name, given: _at(given, point(name))


def _sobol(space: Space, search: Search) -> Iterator[Callable[[str], float]]:
    """Yields points of a scrambled Sobol sequence (Owen 1998), with a coordinate for each possible value."""
    from scipy.stats import qmc

    names = space.names()
    engine = qmc.Sobol(len(names), scramble=True, rng=np.random.default_rng(search.seed))
    while True:
        point = dict(zip(names, engine.random(1)[0].tolist(), strict=True))
        yield point.__getitem__


def _at(given: Range, share: float) -> Value:
    """Maps a share in [0, 1) to a value of a range."""
    if isinstance(given, Choice):
        return given.values[int(share * len(given.values))]
    if given.step is not None:
        values = given.values()
        assert values is not None
        return values[int(share * len(values))]
    return _within(given, share)


def _within(given: Interval, share: float) -> float:
    # An integer stands for the unit interval around it, so that both ends are as likely as the others.
    low, high = (given.low - 0.5, given.high + 0.5) if given.is_integer else (given.low, given.high)
    if given.log:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    value = round(value) if given.is_integer else value
    return min(max(value, given.low), given.high)
