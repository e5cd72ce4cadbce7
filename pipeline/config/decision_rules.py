"""The rules of conf/config.yaml's decision: what becomes of predictions and of the probabilities of classes."""

import math
from typing import Literal, NamedTuple

from pipeline.schema import Fraction, PositiveFloat, Section

MAX_KEPT = 2 / 3  # of the validation rows
DIGITS = 9  # of a number of rows: 0.1 is not exact, nor is 1 - 0.9


class Calibration(NamedTuple):
    """What rows are kept for that nothing is chosen by."""

    key: str  # that asks for it
    coverage: float  # of the outputs that are calibrated: how often they are to hold the truth

    @property
    def fewest(self) -> int:
        """Rows that it takes: the finite-sample quantile of fewer is infinite."""
        return rounded_up(self.coverage / (1 - self.coverage))

    def n_rows(self, n_val: int) -> int:
        """How many of so many validation rows are kept; 0 where there are too few.

        About half of them, and as many as make the finite-sample quantile one of exactly the coverage: of 26 rows the
        nearest above 0.9 is 25/27, of 29 it is 27/30.
        """
        left_out = 1 - self.coverage
        n_beyond = max(1, round(n_val / 2 * left_out))
        n = rounded_up(n_beyond / left_out) - 1
        return n if n <= MAX_KEPT * n_val else 0


def rounded_up(number: float) -> int:
    """The next whole number; the number itself where it is one but for rounding."""
    return math.ceil(round(number, DIGITS))


class Decision(Section):
    """What is learned after training, on rows that do not train."""

    temperature: bool
    threshold: Literal["none", "f1", "cost", "precision"]
    precision: Fraction
    false_positive_cost: PositiveFloat
    false_negative_cost: PositiveFloat
    interval: Fraction | None
    prediction_set: Fraction | None

    @property
    def calibration(self) -> Calibration | None:
        """What is to be calibrated; None where no rows are kept for it."""
        asked = {"decision.interval": self.interval, "decision.prediction_set": self.prediction_set}
        found = [Calibration(key, coverage) for key, coverage in asked.items() if coverage is not None]
        return found[0] if found else None


def check_decision(decision: Decision, task: str) -> None:
    """Raises ValueError where a decision does not go with the task."""
    if decision.temperature and task == "regression":
        raise ValueError("decision.temperature: a regression has no probabilities; leave it at false")
    if decision.threshold != "none" and task != "binary":
        raise ValueError(
            f"decision.threshold: {decision.threshold} is for two classes, but this is a {task} task; leave it at none"
        )
    if decision.interval is not None and task != "regression":
        raise ValueError(
            f"decision.interval: bounds are for a regression, but this is a {task} task; leave it at null, or set "
            f"decision.interval=null decision.prediction_set={decision.interval}"
        )
    if decision.prediction_set is not None and task == "regression":
        raise ValueError(
            "decision.prediction_set: a regression has no classes; leave it at null, or set "
            f"decision.prediction_set=null decision.interval={decision.prediction_set}"
        )
