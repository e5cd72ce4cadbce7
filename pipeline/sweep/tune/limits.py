"""The limits of `tune`: time, number of configurations, and how long nothing improves the ensemble."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.config.tune_rules import Tune
from pipeline.sweep.tune.configurations import Drawn

if TYPE_CHECKING:
    from pipeline.sweep.tune.selection import Selection

log = logging.getLogger(__name__)

SHARE_OF_FOLDS = 0.5  # of the time: maximum for the folds of the first configuration
SHARE_AHEAD = 0.25  # of the time that is left: maximum for configurations that are planned together
SHORTEST_SHARE = 0.02  # of the time: minimum to start another network


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
        if self._are_all_tried:
            return True
        if settings.patience is not None and selection.n_idle >= settings.patience:
            log.info("%d configurations in a row have not improved the ensemble (tune.patience)", selection.n_idle)
            return True
        return self._is_over and bool(selection.members)

    def to_raise(self) -> str | None:
        """Returns an override for a longer tuning, with the limit that is reached; None if neither of two is.

        Patience is not one of them: raising it does not help an ensemble that nothing improves.
        """
        settings = self.settings
        if settings.n_trials is not None and self._are_all_tried:
            return f"tune.n_trials={2 * settings.n_trials}"
        if settings.minutes is not None and self._is_over:
            return f"tune.minutes={2 * settings.minutes:g}"
        return None

    @property
    def _are_all_tried(self) -> bool:
        return self.settings.n_trials is not None and self.n_tried >= self.settings.n_trials

    @property
    def _is_over(self) -> bool:
        """Whether no time is left for another network."""
        most = self.settings.minutes
        return most is not None and self.minutes > (1 - SHORTEST_SHARE) * most

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
