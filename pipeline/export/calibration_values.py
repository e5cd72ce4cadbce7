"""Values learned on rows that do not train, which are applied to a network's outputs; stored in the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.export.conformal import Interval, PredictionSet


@dataclass(frozen=True)
class Learned:
    """Each value is None if it was not requested."""

    threshold: float | None = None  # for two classes: the second's probability from which on it is the label
    interval: Interval | None = None  # bounds, for a regression
    prediction_set: PredictionSet | None = None  # sets of labels, for classes

    @property
    def about(self) -> dict[str, Any]:
        """The values as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Learned:
        """Reads what `about` wrote."""
        interval, prediction_set = about.get("interval"), about.get("prediction_set")
        if interval is not None:
            lists = {
                name: value and tuple(value) for name, value in interval.items() if name in ("quantiles", "floors")
            }
            interval = Interval(**interval | lists)
        return cls(about.get("threshold"), interval, prediction_set and PredictionSet(**prediction_set))
