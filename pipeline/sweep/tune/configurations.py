"""The configurations that `tune` trains: first the given one, then others drawn around it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser

from pipeline import config as configuration
from pipeline import model
from pipeline.config import Config
from pipeline.config.ranges import search_space
from pipeline.errors import SweepError
from pipeline.sweep.search.proposals import Space, drawn

SHARE_DRAWN = 0.5  # of the keys of the configured architecture
DECAYING = ("adamw", "muon")  # optimizers with weight decay
SEEDS_APART = 100_000  # between seeds of folds: more than the number of configurations


@dataclass(frozen=True)
class Drawn:
    """A network to train."""

    number: int  # from 0
    words: tuple[str, ...]  # overrides that distinguish it
    config: Config

    def of_fold(self, fold: int | None) -> Drawn:
        """Returns the configuration for a fold, with other initial weights than for the other folds.

        Args:
            fold: From 2; None for the first.
        """
        if fold is None:
            return self
        tracking = self.config.tracking.model_copy(update={"run_name": f"network {self.number}, fold {fold}"})
        seed = self.config.seed + SEEDS_APART * fold
        return replace(self, config=self.config.model_copy(update={"tracking": tracking, "seed": seed}))


def configurations(typed: Sequence[str], config: Config) -> Iterator[Drawn]:
    """Yields the given configuration, then endless draws from the declared ranges; each depends only on its number.

    About half of the keys of the configured architecture are drawn, the others keep their values: the defaults are
    good, and networks that differ in all keys are rarely better. Keys on the command line are not drawn:
    `fit.learning_rate=1e-3` applies to all networks, and `model=tabm` excludes other architectures, as an experiment
    file does, whose keys are of its own architecture.

    Args:
        typed: Overrides of the command line.
        config: The given configuration.

    Raises:
        SweepError: The architecture declares no ranges, or the command line sets an optimizer that contradicts
            `tune.optimizers`.
    """
    keys = {word.lstrip("+").partition("=")[0] for word in typed}
    is_without_decay = bool(keys & {"fit", "fit.optimizer"}) and config.fit.optimizer not in DECAYING
    if config.tune.optimizers and (is_without_decay or "fit.optimizer" in keys):
        optimizer = config.fit.optimizer
        raise SweepError(
            f"tune.optimizers: the command sets the optimizer {optimizer} for all networks; omit one of them"
        )
    if is_without_decay:
        typed, keys = [*typed, "fit.weight_decay=null"], keys | {"fit.weight_decay"}
    return _drawn(typed, config, keys, _architectures(keys, config.model.name))


def _drawn(typed: Sequence[str], config: Config, keys: set[str], architectures: Sequence[str]) -> Iterator[Drawn]:
    yield Drawn(0, (), _of_member(config, config, 0))
    in_turn = {name: _agreeing(model.searchable(name).in_turn, typed, keys) for name in architectures}
    turns: Counter[str] = Counter()
    for number in itertools.count(1):
        name = architectures[(number - 1) % len(architectures)]
        words = _words(name, in_turn[name][turns[name] % len(in_turn[name])], config, number, keys)
        turns[name] += 1
        split = f"data.split.seed={config.data.split.seed}"  # all use the same rows
        found = configuration.load(*typed, *words, *_unless_typed(keys, f"seed={config.seed + number}", split))
        yield Drawn(number, words, _of_member(found, config, number))


def _words(name: str, unlike: Sequence[str], config: Config, number: int, keys: set[str]) -> tuple[str, ...]:
    """Draws the overrides of a network.

    Args:
        name: Its architecture.
        unlike: Overrides that the network gets in its turn.
        config: The given configuration.
        number: Of the network.
        keys: Keys on the command line.
    """
    declared, seed = model.searchable(name), config.tune.seed
    fixed, space = _space(declared.tuned, keys)
    own = space.overrides(drawn(space, seed, number))
    if name == config.model.name:
        chosen: list[str] = []
        coins = np.random.default_rng([seed, number, 1]).random(len(own))
        own = [word for word, coin in zip(own, coins, strict=True) if coin < SHARE_DRAWN]
    else:
        chosen = [f"model={name}"]
    given, ranges = _space(unlike, keys)
    return (*chosen, *fixed, *_optimizer(config, number), *given, *ranges.overrides(drawn(ranges, seed, number)), *own)


def _optimizer(config: Config, number: int) -> list[str]:
    """Draws the optimizer of a network if optimizers are varied; its other values do not depend on it."""
    if not config.tune.optimizers:
        return []
    return [f"fit.optimizer={np.random.default_rng([config.tune.seed, number, 2]).choice(config.tune.optimizers)}"]


def _architectures(keys: set[str], own: str) -> list[str]:
    """Returns the architectures in turn, the configured one twice as often as the others."""
    if not model.searchable(own).tuned:
        others = " or ".join(f"model={name}" for name in model.names() if model.searchable(name).tuned)
        raise SweepError(f"tune: the architecture {own} declares no ranges to draw from; use {others}, or a sweep")
    if keys & {"model", "experiment"} or any(key.startswith("model.") for key in keys):
        return [own]
    return [own, own, *(name for name in model.names() if name != own and model.searchable(name).tuned)]


def _agreeing(groups: Sequence[Sequence[str]], typed: Sequence[str], keys: set[str]) -> Sequence[Sequence[str]]:
    """Returns the groups of overrides that give no typed key another value; a group of none if there is none."""

    def agrees(group: Sequence[str]) -> bool:
        fixed, _ = _space(group, set())
        return all(word in typed for word in fixed if word.partition("=")[0] in keys)

    return [group for group in groups if agrees(group)] or [()]


def _space(declared: Sequence[str], keys: set[str]) -> tuple[list[str], Space]:
    """Returns fixed overrides and ranges of the declared keys that are not on the command line."""
    words = _unless_typed(keys, *declared)
    ranges, fixed = search_space(OverridesParser.create().parse_overrides(words), lambda group: [])
    return fixed, Space(ranges)


def _unless_typed(keys: set[str], *words: str) -> list[str]:
    return [word for word in words if word.partition("=")[0] not in keys]


def _of_member(found: Config, config: Config, number: int) -> Config:
    """Names the run of a network, without baselines, which only the ensemble has, and without checkpoints.

    Its time limit is part of its settings and differs when a command is repeated, which then would not find them.
    """
    tracking = config.tracking.model_copy(update={"run_name": f"network {number}"})
    fit = found.fit.model_copy(update={"checkpoint": False})
    return found.model_copy(update={"tracking": tracking, "baselines": [], "fit": fit})
