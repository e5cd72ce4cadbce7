"""The networks of `tune`, and the ensemble selected from them (`evaluate/ensemble_selection.py`).

The ensemble is selected again whenever a configuration is trained and, without folds, after the epochs of networks in
training: from the best weights of those that are trained, the latest of those in training, and earlier ones that it
has. Only what it selects is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline.evaluate.ensemble_selection import mean_of, select
from pipeline.evaluate.leaderboard import LeaderboardRow
from pipeline.runtime.signals import held
from pipeline.sweep.tune.networks import Candidate, TunedMember, TunedSnapshot, each_once

if TYPE_CHECKING:
    from pipeline.sweep.tune.resampling import Resampling


@dataclass
class Selection:
    """The trained configurations so far, and the best ensemble on the validation rows."""

    resampled: Resampling
    max_entries: int
    seed: int
    members: list[TunedMember] = field(default_factory=list)
    entries: list[Candidate] = field(default_factory=list)  # an entry that occurs twice counts twice
    reached: float = np.inf  # loss of the ensemble
    n_idle: int = 0  # consecutive configurations that it had no use for when they were trained

    @held()  # an interrupt exports what is selected
    def add(self, member: TunedMember) -> None:
        """Adds a trained configuration and selects again; keeps the ensemble unless the new one is better.

        Takes the place of its snapshot after the epoch whose weights it has.
        """
        self.members.append(member)
        same = (member.drawn.number, member.epoch)
        self.entries = [member if (one.drawn.number, one.epoch) == same else one for one in self.entries]
        self._select([])
        self.n_idle = 0 if member.drawn.number in self.shares else self.n_idle + 1

    def consider(self, snapshots: Sequence[TunedSnapshot]) -> None:
        """Selects again from networks in training too, if the ensemble gains by one of them.

        Args:
            snapshots: The networks after their latest epochs.
        """
        finite = [one for one in snapshots if np.isfinite(one.averaged).all()]
        total = np.sum([entry.averaged for entry in self.entries], axis=0)  # 0.0 without entries
        means = ((total + one.averaged) / (len(self.entries) + 1) for one in finite)
        if any(self.resampled.loss(mean) < self.reached for mean in means):
            self._select(finite)

    def omit(self, number: int) -> None:
        """Selects again without a configuration, whose training has failed.

        Args:
            number: Of the configuration.
        """
        if any(entry.drawn.number == number for entry in self.entries):
            self.entries, self.reached = [entry for entry in self.entries if entry.drawn.number != number], np.inf
            if self.members or self.entries:
                self._select([])

    def omit_unfinished(self) -> None:
        """Selects again without the networks whose training an interrupt has ended."""
        finished = {member.drawn.number for member in self.members}
        for number in self.shares.keys() - finished:
            self.omit(number)

    @property
    def networks(self) -> list[Candidate]:
        """The entries, each once."""
        return each_once(self.entries)[0]

    def snapshots_of(self, number: int) -> list[TunedSnapshot]:
        """Returns the entries that are not the best weights of a trained configuration.

        Args:
            number: Of the configuration.
        """
        return [one for one in self._snapshots() if one.drawn.number == number]

    @property
    def shares(self) -> dict[int, float]:
        """Weight of each configuration in the ensemble, by its number."""
        counts = Counter(entry.drawn.number for entry in self.entries)
        return {number: count / len(self.entries) for number, count in counts.items()}

    def lines(self) -> list[LeaderboardRow]:
        """Returns a row of the leaderboard for each configuration, best first."""
        shares = self.shares
        ensemble = np.mean([entry.averaged for entry in self.entries], axis=0)
        lines = [
            LeaderboardRow(
                number=member.drawn.number,
                words=" ".join(member.drawn.words),
                loss=member.loss,
                error=self.resampled.loss.standard_error(ensemble, member.averaged),
                share=shares.get(member.drawn.number, 0.0),
                epochs=member.epochs,
                seconds=member.seconds,
                run_ids=tuple(member.run_ids),
            )
            for member in self.members
        ]
        return sorted(lines, key=lambda line: line.loss)

    def _snapshots(self) -> list[TunedSnapshot]:
        return [entry for entry in self.networks if isinstance(entry, TunedSnapshot)]

    def _select(self, latest: Sequence[TunedSnapshot]) -> None:
        candidates: list[Candidate] = [*self.members, *self._snapshots(), *latest]
        averaged = [candidate.averaged for candidate in candidates]
        chosen = select(averaged, self.resampled.loss, max_entries=self.max_entries, seed=self.seed)
        reached = self.resampled.loss(mean_of(averaged, chosen))
        if reached < self.reached:
            kept = {place: candidates[place].kept() for place in chosen}
            self.entries, self.reached = [kept[place] for place in chosen], reached
