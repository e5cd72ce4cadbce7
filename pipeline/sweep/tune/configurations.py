"""What `tune` trains: the configuration that was typed, then others drawn around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser

from pipeline import config as configuration
from pipeline import model
from pipeline.config import Config
from pipeline.config.ranges import search_space
from pipeline.errors import SweepError
from pipeline.sweep.search.draws import Space, drawn

SHARE_DRAWN = 0.5  # of the configured architecture's keys


@dataclass(frozen=True)
class Drawn:
    """A network to train."""

    number: int  # from 0
    words: tuple[str, ...]  # what distinguishes it, as overrides
    config: Config


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
    spaces = {name: _space(name, keys) for name in architectures}
    number = 1
    while True:
        name = architectures[(number - 1) % len(architectures)]
        fixed, space = spaces[name]
        own = space.overrides(drawn(space, config.tune.seed, number))
        if name == config.model.name:
            chosen: list[str] = []
            coins = np.random.default_rng([config.tune.seed, number, 1]).random(len(own))
            own = [word for word, coin in zip(own, coins, strict=True) if coin < SHARE_DRAWN]
        else:
            chosen = [f"model={name}"]
        words = (*chosen, *fixed, *own)
        split = f"data.split.seed={config.data.split.seed}"  # all have the same rows
        found = configuration.load(*typed, *words, *_unless_typed(keys, f"seed={config.seed + number}", split))
        yield Drawn(number, words, _of_member(found, config, number))
        number += 1


def _architectures(keys: set[str], own: str) -> list[str]:
    """In the order in which they take turns, that of the configuration twice as often as another."""
    if not model.searchable(own).tuned:
        others = " or ".join(f"model={name}" for name in model.names() if model.searchable(name).tuned)
        raise SweepError(f"tune: the architecture {own} declares nothing to draw; take {others}, or a sweep")
    if "model" in keys or any(key.startswith("model.") for key in keys):
        return [own]
    return [own, own, *(name for name in model.names() if name != own and model.searchable(name).tuned)]


def _space(architecture: str, keys: set[str]) -> tuple[list[str], Space]:
    """What an architecture declares beside what was typed: words that are fixed, and ranges."""
    words = _unless_typed(keys, *model.searchable(architecture).tuned)
    ranges, fixed = search_space(OverridesParser.create().parse_overrides(words), lambda group: [])
    return fixed, Space(ranges)


def _unless_typed(keys: set[str], *words: str) -> list[str]:
    return [word for word in words if word.partition("=")[0] not in keys]


def _of_member(found: Config, config: Config, number: int) -> Config:
    """A run of its own, in the same store; what the whole has once is not its."""
    tracking = config.tracking.model_copy(update={"run_name": f"network {number}"})
    return found.model_copy(update={"tracking": tracking, "baselines": []})
