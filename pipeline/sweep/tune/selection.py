"""Which networks a tuning has and selects (by `evaluate/ensemble_selection.py`), and when it is to end."""

from __future__ import annotations

import logging
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

SHARE_OF_FOLDS = 0.5  # of the time, in which the folds of the first configuration are to fit
SHORTEST_SHARE = 0.02  # of the time, below which no other network is begun


@dataclass
class Selection:
    """The networks so far, and the ensemble of them that is best on the validation rows."""

    resampled: Resampling
    max_entries: int
    seed: int
    members: list[TunedMember] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)  # places in `members`
    reached: float = np.inf  # loss of the ensemble
    n_idle: int = 0  # networks in a row that have not improved it

    def add(self, member: TunedMember) -> None:
        """Selects anew with one more; the ensemble changes only if it gets better."""
        self.members.append(member)
        candidates = [member.averaged for member in self.members]
        entries = select(candidates, self.resampled.loss, max_entries=self.max_entries, seed=self.seed)
        reached = self.resampled.loss(mean_of(candidates, entries))
        self.n_idle += 1
        if reached < self.reached:
            self.entries, self.reached, self.n_idle = entries, reached, 0

    @property
    def shares(self) -> dict[int, float]:
        """What each network counts in the ensemble, by its place."""
        return {place: count / len(self.entries) for place, count in Counter(self.entries).items()}

    def lines(self) -> list[LeaderboardRow]:
        """All of them, best first."""
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
    """When a tuning is to end."""

    settings: Tune
    seconds_before: float = 0.0  # that were spent by a command that was killed
    n_tried: int = 0
    start: float = field(default_factory=time.monotonic)

    @property
    def minutes(self) -> float:
        """That are over."""
        return (self.seconds_before + time.monotonic() - self.start) / 60

    def are_reached(self, selection: Selection) -> bool:
        """Whether no other network is to be begun; the first always is."""
        settings = self.settings
        if settings.n_trials is not None and self.n_tried >= settings.n_trials:
            return True
        if settings.patience is not None and selection.n_idle >= settings.patience:
            log.info("%d networks in a row have not improved the ensemble (tune.patience)", selection.n_idle)
            return True
        if settings.minutes is None or not selection.members:
            return False
        return self.minutes > (1 - SHORTEST_SHARE) * settings.minutes

    def affords(self, n_networks: int, seconds: float) -> bool:
        """Whether there is time for so many networks that take so long, and for other configurations."""
        return self.settings.minutes is None or n_networks * seconds <= 60 * SHARE_OF_FOLDS * self.settings.minutes

    def bounded(self, drawn: Drawn, n_networks: int) -> Drawn:
        """A network with no more time than is left: it keeps the best weights of the epochs that fit.

        Args:
            drawn: Its configuration.
            n_networks: So many share the time.
        """
        if self.settings.minutes is None:
            return drawn
        left = max(self.settings.minutes - self.minutes, SHORTEST_SHARE * self.settings.minutes) / n_networks
        own = drawn.config.fit.max_minutes
        fit = drawn.config.fit.model_copy(update={"max_minutes": left if own is None else min(left, own)})
        return replace(drawn, config=drawn.config.model_copy(update={"fit": fit}))
