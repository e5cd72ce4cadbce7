"""Trains the networks of `tune`: those of one configuration, or of several as one network."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import TrainingError
from pipeline.sweep.tune.configurations import Drawn
from pipeline.sweep.tune.limits import Limits
from pipeline.sweep.tune.networks import (
    TrainedNetwork,
    TunedMember,
    Watch,
    recalled,
    recalled_snapshot,
    train_network,
)
from pipeline.sweep.tune.packing import train_packed
from pipeline.sweep.tune.resampling import ResampledPart
from pipeline.sweep.tune.selection import Selection
from pipeline.sweep.tune.unfinished import Kept

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """Trains configurations, or loads what an earlier command trained.

    Attributes:
        selection: The configurations so far, and their rows.
        kept: Files of trained networks.
        limits: Limits of time.
    """

    selection: Selection
    kept: Kept
    limits: Limits

    def of(self, group: Sequence[Drawn]) -> Iterator[tuple[Drawn, TunedMember | TrainingError]]:
        """Trains configurations, and yields each when it has all its networks, or when one of them has failed.

        Args:
            group: One configuration, or several that train as one network.
        """
        (drawn, *others) = group
        if others:
            yield from self._packed(group)
            return
        try:
            yield drawn, self._alone(drawn)
        except TrainingError as error:
            yield drawn, error

    def _alone(self, drawn: Drawn) -> TunedMember:
        """Trains the networks of a configuration; drops the folds if the first network takes too long."""
        selection, limits = self.selection, self.limits
        (first, *_), n_folds = selection.resampled.parts, len(selection.resampled.parts)
        may_be_alone = not (selection.members or selection.resampled.needs_folds)
        trained = [self._network(limits.bounded(drawn, 1 if may_be_alone else n_folds), first)]
        if may_be_alone and n_folds > 1 and not limits.affords(n_folds, trained[0].checkpoint.seconds):
            log.info("no folds: %d networks take more than half of the time (tune.folds)", n_folds)
            selection.resampled = selection.resampled.alone()
        for part in selection.resampled.parts[1:]:
            bounded = limits.bounded(drawn, n_networks=len(selection.resampled.parts) - len(trained))
            trained.append(self._network(bounded.of_fold(part.fold), part))
        return TunedMember.of(drawn, trained, selection.resampled)

    def _packed(self, group: Sequence[Drawn]) -> Iterator[tuple[Drawn, TunedMember | TrainingError]]:
        """Trains configurations as one network, fold after fold."""
        parts, by_number = self.selection.resampled.parts, {drawn.number: drawn for drawn in group}
        trained: dict[int, list[TrainedNetwork]] = {number: [] for number in by_number}
        for place, part in enumerate(parts):
            left = [self.limits.bounded(by_number[number], len(parts) - place, len(trained)) for number in trained]
            for number, came in self._networks([drawn.of_fold(part.fold) for drawn in left], part):
                drawn = by_number[number]
                if isinstance(came, TrainingError):
                    del trained[number]
                    yield drawn, came
                    continue
                trained[number].append(came)
                if len(trained[number]) == len(parts):
                    yield drawn, TunedMember.of(drawn, trained[number], self.selection.resampled)

    def _networks(
        self, group: Sequence[Drawn], part: ResampledPart
    ) -> Iterator[tuple[int, TrainedNetwork | TrainingError]]:
        """Trains networks as one, but loads those that an earlier command trained; yields their numbers with them."""
        left = [drawn for drawn in group if not self.kept.path(drawn.number, part.fold).exists()]
        for drawn in group:
            if drawn not in left:
                yield drawn.number, self._network(drawn, part)
        if not left:
            return
        for drawn, came in train_packed(left, part, self._watch):
            if not isinstance(came, TrainingError):
                self._keep(drawn.number, part, came)
            yield drawn.number, came

    def _network(self, drawn: Drawn, part: ResampledPart) -> TrainedNetwork:
        """Trains a network, or loads it if an earlier command trained it."""
        path = self.kept.path(drawn.number, part.fold)
        if path.exists():
            found = recalled(drawn, part, path)
            self.limits.seconds_before += found.checkpoint.seconds
            if self._watch is not None:  # a command with less time may have dropped the folds, and kept snapshots
                snapshots = self.kept.snapshots(drawn.number)
                self._watch([recalled_snapshot(drawn, part, one) for one in snapshots])
            return found
        found = train_network(drawn, part, self._watch)
        self._keep(drawn.number, part, found)
        return found

    @property
    def _watch(self) -> Watch | None:
        """What takes networks in training: nothing with folds, where no row is predicted before the last one."""
        return None if self.selection.resampled.has_folds else self.selection.consider

    def _keep(self, number: int, part: ResampledPart, trained: TrainedNetwork) -> None:
        """Writes a network to its file, after those of its epochs that are selected."""
        checkpoint = trained.checkpoint
        for one in self.selection.snapshots_of(number):
            earlier = replace(checkpoint, weights=one.weights(), best_epoch=one.epoch)
            self.kept.keep(self.kept.snapshot_path(number, one.epoch), earlier)
        self.kept.keep(self.kept.path(number, part.fold), checkpoint)
