"""The networks of `tune`, the selected ensemble (`evaluate/ensemble_selection.py`), and the limits of time."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config.tune_rules import Tune
from pipeline.evaluate.ensemble_selection import mean_of, select
from pipeline.evaluate.leaderboard import LeaderboardRow
from pipeline.sweep.tune.configurations import Drawn

if TYPE_CHECKING:
    from pipeline.sweep.tune.networks import TunedMember
    from pipeline.sweep.tune.resampling import Resampling

log = logging.getLogger(__name__)

SHARE_OF_FOLDS = 0.5  # of the time: maximum for the folds of the first configuration
SHARE_AHEAD = 0.25  # of the time that is left: maximum for configurations that are planned together
SHORTEST_SHARE = 0.02  # of the time: minimum to start another network


@dataclass
class Selection:
    """The networks so far, and their best ensemble on the validation rows."""

    resampled: Resampling
    max_entries: int
    seed: int
    members: list[TunedMember] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)  # indices in `members`
    reached: float = np.inf  # loss of the ensemble
    n_idle: int = 0  # consecutive networks that have not improved it

    def add(self, member: TunedMember) -> None:
        """Adds a network and selects again; keeps the ensemble unless the new one is better."""
        self.members.append(member)
        candidates = [member.averaged for member in self.members]
        entries = select(candidates, self.resampled.loss, max_entries=self.max_entries, seed=self.seed)
        reached = self.resampled.loss(mean_of(candidates, entries))
        self.n_idle += 1
        if reached < self.reached:
            self.entries, self.reached, self.n_idle = entries, reached, 0

    @property
    def shares(self) -> dict[int, float]:
        """Weight of each network in the ensemble, by its index."""
        return {place: count / len(self.entries) for place, count in Counter(self.entries).items()}

    def lines(self) -> list[LeaderboardRow]:
        """Returns a row of the leaderboard for each network, best first."""
        shares = self.shares
        ensemble = mean_of([member.averaged for member in self.members], self.entries)
        lines = [
            LeaderboardRow(
                number=member.drawn.number,
                words=" ".join(member.drawn.words),
                loss=member.loss,
                error=self.resampled.loss.standard_error(ensemble, member.averaged),
                share=shares.get(place, 0.0),
                epochs=member.epochs,
                seconds=member.seconds,
                run_ids=tuple(member.run_ids),
            )
            for place, member in enumerate(self.members)
        ]
        return sorted(lines, key=lambda line: line.loss)


@dataclass
class Limits:
    """The limits of `tune`."""

    settings: Tune
    seconds_before: float = 0.0  # of training by an earlier, killed command
    n_tried: int = 0
    start: float = field(default_factory=time.monotonic)

    @property
    def minutes(self) -> float:
        """Elapsed minutes, including those of an earlier, killed command."""
        return (self.seconds_before + time.monotonic() - self.start) / 60

    def are_reached(self, selection: Selection) -> bool:
        """Whether to stop; never before the first network."""
        settings = self.settings
        if settings.n_trials is not None and self.n_tried >= settings.n_trials:
            return True
        if settings.patience is not None and selection.n_idle >= settings.patience:
            log.info("%d configurations in a row have not improved the ensemble (tune.patience)", selection.n_idle)
            return True
        if settings.minutes is None or not selection.members:
            return False
        return self.minutes > (1 - SHORTEST_SHARE) * settings.minutes

    def affords(self, n_networks: int, seconds: float) -> bool:
        """Whether the time allows for networks of a configuration, and for other configurations.

        Args:
            n_networks: Number of networks.
            seconds: Training time of each.
        """
        return self.settings.minutes is None or n_networks * seconds <= 60 * SHARE_OF_FOLDS * self.settings.minutes

    def n_ahead(self, selection: Selection) -> int:
        """Returns how many of the next configurations may be planned together.

        A pack that time ends leaves many networks with few epochs, so these configurations are to take at most
        SHARE_AHEAD of the time that is left, if each takes as long as the earlier ones did.

        Args:
            selection: The earlier ones.
        """
        found: list[float] = []
        if self.settings.n_trials is not None:
            found.append(self.settings.n_trials - self.n_tried)
        if self.settings.minutes is not None and selection.members:
            each = sum(member.seconds for member in selection.members) / len(selection.members)
            found.append(SHARE_AHEAD * 60 * (self.settings.minutes - self.minutes) / max(each, 1e-3))
        return int(min(found, default=sys.maxsize))

    def bounded(self, drawn: Drawn, n_networks: int, n_packed: int = 1) -> Drawn:
        """Limits a network to the time that is left; it keeps the best weights of the epochs that fit.

        Args:
            drawn: Its configuration.
            n_networks: Number of trainings that share the time.
            n_packed: Number of networks that train together, and so share `fit.max_minutes` of each.
        """
        if self.settings.minutes is None:
            return drawn
        left = max(self.settings.minutes - self.minutes, SHORTEST_SHARE * self.settings.minutes) / n_networks
        own = drawn.config.fit.max_minutes
        fit = drawn.config.fit.model_copy(update={"max_minutes": left if own is None else min(left, n_packed * own)})
        return replace(drawn, config=drawn.config.model_copy(update={"fit": fit}))
