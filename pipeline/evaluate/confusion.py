"""Confusion matrices of two classes: errors and their cost at 0.5 and at the learned threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config.decision_rules import Decision

if TYPE_CHECKING:
    from pipeline.evaluate import Evaluation

DEFAULT_THRESHOLD = 0.5
PARTS = ("val", "test")


@dataclass(frozen=True)
class Confusion:
    """Counts of a split's rows by true and predicted class."""

    part: str
    threshold: float  # smallest probability of the positive class that predicts it
    counts: dict[str, int]  # rows: true positives, ...
    scores: dict[str, float | None]  # weighted; precision, recall and F1 of the positive class, None if undefined

    @property
    def title(self) -> str:
        """The split and the threshold."""
        return f"{self.part} at {self.threshold:.4g}"


@dataclass(frozen=True)
class BinaryDecisions:
    """The thresholds of a binary classifier, and its confusion matrices at them."""

    negative: str
    positive: str  # the second class
    learned: float | None  # threshold; None if it is DEFAULT_THRESHOLD
    config: Decision
    confusions: tuple[Confusion, ...]  # of each of PARTS, at DEFAULT_THRESHOLD and at the learned threshold

    @property
    def text(self) -> str:
        """The positive class, and the probability that predicts it."""
        if self.learned is None:
            return f"{self.positive}, at a probability of {DEFAULT_THRESHOLD} or more"
        rule = f"decision.threshold={self.config.threshold}"
        return f"{self.positive}, at a probability of {self.learned:.4g} or more ({rule})"

    @property
    def costs(self) -> str:
        """The costs of false positives and false negatives, as a sentence."""
        positive, negative = self.config.false_positive_cost, self.config.false_negative_cost
        return f"a false positive costs {positive:g}, a false negative {negative:g}"


def binary_decisions(config: Decision, found: Evaluation, threshold: float | None) -> BinaryDecisions | None:
    """Counts the errors on validation and test rows; None if the task is not binary.

    Args:
        config: The decision section, with the costs of errors.
        found: Predictions, with labels at the threshold.
        threshold: The learned threshold; None if there is none.
    """
    target = found.targets["test"]
    if target.task != "binary":
        return None
    confusions = []
    for part in PARTS:
        truth, outputs = found.targets[part].values[:, 0], found.outputs[part]
        weights = found.weights[part]
        weight = np.ones(len(truth)) if weights is None else weights
        called = {DEFAULT_THRESHOLD: outputs["probabilities"].argmax(axis=1)}
        if threshold is not None:
            called[threshold] = target.named(outputs)
        confusions += [_confusion(config, part, at, truth == 1, said == 1, weight) for at, said in called.items()]
    negative, positive = map(str, target.classes.tolist())
    return BinaryDecisions(negative, positive, threshold, config, tuple(confusions))


def _confusion(
    config: Decision, part: str, threshold: float, truth: np.ndarray, said: np.ndarray, weight: np.ndarray
) -> Confusion:
    cells = {
        "true positives": truth & said,
        "false positives": ~truth & said,
        "false negatives": truth & ~said,
        "true negatives": ~truth & ~said,
    }
    hits, alarms, misses, _ = (float(weight @ cell) for cell in cells.values())
    scores = {
        "precision": _share(hits, hits + alarms),
        "recall": _share(hits, hits + misses),
        "F1": _share(2 * hits, 2 * hits + alarms + misses),
        "mean cost": (config.false_positive_cost * alarms + config.false_negative_cost * misses) / float(weight.sum()),
    }
    return Confusion(part, threshold, {name: int(cell.sum()) for name, cell in cells.items()}, scores)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
