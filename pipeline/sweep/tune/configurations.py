"""What `tune` trains: the configuration that was typed, then others drawn around it."""

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

SHARE_DRAWN = 0.5  # of the configured architecture's keys
SEEDS_APART = 100_000  # of one fold and the next: more than there are configurations


@dataclass(frozen=True)
class Drawn:
    """A network to train."""

    number: int  # from 0
    words: tuple[str, ...]  # what distinguishes it, as overrides
    config: Config

    def of_fold(self, fold: int | None) -> Drawn:
        """One of its networks, which starts from other weights than those of the other folds.

        Args:
            fold: From 2; None of the first.
        """
        if fold is None:
            return self
        tracking = self.config.tracking.model_copy(update={"run_name": f"network {self.number}, fold {fold}"})
        seed = self.config.seed + SEEDS_APART * fold
        return replace(self, config=self.config.model_copy(update={"tracking": tracking, "seed": seed}))


def configurations(typed: Sequence[str], config: Config) -> Iterator[Drawn]:
    """First what was typed, then without end what the architectures declare; each follows from its number alone.

    Of the configured architecture's keys about half are drawn, the others stay as they are: what is configured is good,
    and networks that differ from it in all are seldom better. What was typed is not drawn: `fit.learning_rate=1e-3`
    holds for all of them, and `model=tabm` leaves out other architectures.

    Args:
        typed: The command line.
        config: What it stands for.

    Raises:
        SweepError: The architecture declares nothing to draw.
    """
    keys = {word.lstrip("+").partition("=")[0] for word in typed}
    return _drawn(typed, config, keys, _architectures(keys, config.model.name))


def _drawn(typed: Sequence[str], config: Config, keys: set[str], architectures: Sequence[str]) -> Iterator[Drawn]:
    yield Drawn(0, (), _of_member(config, config, 0))
    turns: Counter[str] = Counter()
    for number in itertools.count(1):
        name = architectures[(number - 1) % len(architectures)]
        words = _words(name, turns[name], config, number, keys)
        turns[name] += 1
        split = f"data.split.seed={config.data.split.seed}"  # all have the same rows
        found = configuration.load(*typed, *words, *_unless_typed(keys, f"seed={config.seed + number}", split))
        yield Drawn(number, words, _of_member(found, config, number))


def _words(name: str, turn: int, config: Config, number: int, keys: set[str]) -> tuple[str, ...]:
    """What distinguishes a network of an architecture.

    Args:
        name: The architecture.
        turn: How many of it there were before.
        config: The configuration to draw around.
        number: Of the network.
        keys: That were typed.
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
    unlike, ranges = _space(declared.in_turn[turn % len(declared.in_turn)], keys)
    return (*chosen, *fixed, *unlike, *ranges.overrides(drawn(ranges, seed, number)), *own)


def _architectures(keys: set[str], own: str) -> list[str]:
    """In the order in which they take turns, that of the configuration twice as often as another."""
    if not model.searchable(own).tuned:
        others = " or ".join(f"model={name}" for name in model.names() if model.searchable(name).tuned)
        raise SweepError(f"tune: the architecture {own} declares nothing to draw; take {others}, or a sweep")
    if "model" in keys or any(key.startswith("model.") for key in keys):
        return [own]
    return [own, own, *(name for name in model.names() if name != own and model.searchable(name).tuned)]


def _space(declared: Sequence[str], keys: set[str]) -> tuple[list[str], Space]:
    """What is declared beside what was typed: words that are fixed, and ranges."""
    words = _unless_typed(keys, *declared)
    ranges, fixed = search_space(OverridesParser.create().parse_overrides(words), lambda group: [])
    return fixed, Space(ranges)


def _unless_typed(keys: set[str], *words: str) -> list[str]:
    return [word for word in words if word.partition("=")[0] not in keys]


def _of_member(found: Config, config: Config, number: int) -> Config:
    """A run of its own, in the same store; what the whole has once is not its."""
    tracking = config.tracking.model_copy(update={"run_name": f"network {number}"})
    return found.model_copy(update={"tracking": tracking, "baselines": []})
