"""From a search space to trials: what each of them is, and the order in which grids and random draws give them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.config.ranges import DEPTH, WIDTH, Choice, Interval, Range, values_of
from pipeline.config.sweep import Sweep

Value = str | float  # of a choice its text, of an interval a number
Params = dict[str, Value]  # by the name of a key, or of the width of a layer
Space = dict[str, Range]
MISSES = 1000  # draws in a row that were there before, after which the rest of a finite space comes in order


def assigned(space: Space, width_of: str, draw: Callable[[str, Range], Value]) -> Params:
    """One trial's values, each from `draw`: of the widths as many as the trial has layers."""
    params = {key: draw(key, given) for key, given in space.items() if key != WIDTH}
    for name in _widths(int(params[DEPTH]), width_of) if DEPTH in space else ():
        params[name] = draw(name, space[WIDTH])
    return params


def overrides_of(space: Space, width_of: str, params: Params) -> list[str]:
    """One trial's values as Hydra's overrides."""
    keys = [key for key in space if key not in (DEPTH, WIDTH)]
    lines = [f"{key}={as_text(space[key], params[key])}" for key in keys]
    if DEPTH in space:
        depth = int(params[DEPTH])
        names = _widths(depth, width_of)
        widths = [as_text(space[WIDTH], params[name]) for name in names] * (1 if width_of == "layer" else depth)
        lines.append(f"model.units=[{','.join(widths)}]")
    return lines


def as_text(given: Range, value: Value) -> str:
    """A value as an override: numbers of a continuum with six digits, which is more than any trial can tell apart."""
    if isinstance(given, Choice):
        return str(value)
    if given.is_integer:
        return str(int(value))
    short = float(f"{value:.6g}")
    return repr(short if given.low <= short <= given.high else float(value))


def n_trials_of(space: Space, width_of: str) -> int | None:
    """How many different trials there are; None of a continuum."""
    sizes = {}
    for key, given in space.items():
        values = values_of(given)
        if values is None:
            return None
        sizes[key] = len(values)
    n_others = math.prod(size for key, size in sizes.items() if key not in (DEPTH, WIDTH))
    if DEPTH not in space:
        return n_others
    depths = [int(depth) for depth in values_of(space[DEPTH]) or ()]
    return n_others * sum(sizes[WIDTH] ** len(_widths(depth, width_of)) for depth in depths)


def in_order(space: Space, sweep: Sweep) -> Iterator[Params]:
    """The trials of a grid, or those that are drawn without looking at results; each once.

    The trial of a number is the same whenever and wherever it is asked for: it follows from `sweep.seed` alone.
    """
    if sweep.sampler == "grid":
        yield from _grid(space, sweep.width_of)
        return
    points = _sobol(space, sweep) if sweep.sampler == "qmc" else _random(sweep.seed)
    seen: set[tuple[str, ...]] = set()
    total, misses = n_trials_of(space, sweep.width_of), 0
    while total is None or len(seen) < total:
        params = assigned(space, sweep.width_of, _placed(next(points)))
        key = tuple(overrides_of(space, sweep.width_of, params))
        misses = misses + 1 if key in seen else 0
        if key not in seen:
            seen.add(key)
            yield params
        if total is not None and misses > MISSES:
            break
    if total is not None:
        for params in _grid(space, sweep.width_of):
            if tuple(overrides_of(space, sweep.width_of, params)) not in seen:
                yield params


def _widths(depth: int, width_of: str) -> list[str]:
    """Names of the widths that a network of that depth has."""
    return [f"{WIDTH}.{layer}" for layer in range(depth)] if width_of == "layer" else [WIDTH] * min(depth, 1)


def _grid(space: Space, width_of: str) -> Iterator[Params]:
    """All combinations, the last key changing fastest, as Hydra's own grid does."""
    keys = [key for key in space if key != WIDTH]
    for chosen in itertools.product(*(_all(space[key]) for key in keys)):
        params = dict(zip(keys, chosen, strict=True))
        names = _widths(int(params[DEPTH]), width_of) if DEPTH in space else []
        for widths in itertools.product(*(_all(space[WIDTH]) for _ in names)):
            yield params | dict(zip(names, widths, strict=True))


def _all(given: Range) -> tuple[Value, ...]:
    values = given.values if isinstance(given, Choice) else given.values()
    assert values is not None
    return tuple(values)


def _random(seed: int) -> Iterator[Callable[[str], float]]:
    """Points of the unit cube, whose coordinates are drawn as they are asked for."""
    for number in itertools.count():
        yield _drawing(np.random.default_rng([seed, number]))


def _drawing(generator: np.random.Generator) -> Callable[[str], float]:
    return lambda name: float(generator.random())


def _placed(point: Callable[[str], float]) -> Callable[[str, Range], Value]:
    return lambda name, given: _at(given, point(name))


def _sobol(space: Space, sweep: Sweep) -> Iterator[Callable[[str], float]]:
    """Points of a scrambled Sobol sequence (Owen 1998), a coordinate for each value that a trial may have."""
    from scipy.stats import qmc

    deepest = max((int(depth) for depth in values_of(space[DEPTH]) or ()), default=0) if DEPTH in space else 0
    names = [key for key in space if key != WIDTH] + _widths(deepest, sweep.width_of)
    engine = qmc.Sobol(len(names), scramble=True, rng=np.random.default_rng(sweep.seed))
    while True:
        point = dict(zip(names, engine.random(1)[0].tolist(), strict=True))
        yield point.__getitem__


def _at(given: Range, share: float) -> Value:
    """The value that lies at a share, from 0 to below 1, of a range."""
    if isinstance(given, Choice):
        return given.values[int(share * len(given.values))]
    if given.step is not None:
        values = given.values()
        assert values is not None
        return values[int(share * len(values))]
    return _within(given, share)


def _within(given: Interval, share: float) -> float:
    # A whole number stands for the unit around it, so that both ends are as likely as the others.
    low, high = (given.low - 0.5, given.high + 0.5) if given.is_integer else (given.low, given.high)
    if given.log:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    value = round(value) if given.is_integer else value
    return min(max(value, given.low), given.high)
