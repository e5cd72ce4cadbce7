"""What is learned, on rows that do not train, of what becomes of a network's outputs; the manifest holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.export.conformal import Interval, PredictionSet


@dataclass(frozen=True)
class Learned:
    """Each None where it was not asked for."""

    threshold: float | None = None  # of two classes, the second's probability from which on it is the label
    interval: Interval | None = None  # bounds of a regression
    prediction_set: PredictionSet | None = None  # of classes

    @property
    def about(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Learned:
        """What `about` has written."""
        interval, prediction_set = about.get("interval"), about.get("prediction_set")
        if interval is not None:
            lists = {
                name: value and tuple(value) for name, value in interval.items() if name in ("quantiles", "floors")
            }
            interval = Interval(**interval | lists)
        return cls(about.get("threshold"), interval, prediction_set and PredictionSet(**prediction_set))
