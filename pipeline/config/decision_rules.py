"""The rules of the section `decision`: thresholds, temperature, intervals and prediction sets."""

import math
from typing import Literal, NamedTuple

from pipeline.schema import Fraction, PositiveFloat, Section

MAX_KEPT = 2 / 3  # maximum share of the validation rows
DIGITS = 9  # decimals of a number of rows: 0.1 and 1 - 0.9 are not exact


class Calibration(NamedTuple):
    """What the calibration rows, which nothing else uses, are kept for."""

    key: str  # key that requests it
    coverage: float  # share of rows whose interval or set should contain the true value

    @property
    def fewest(self) -> int:
        """Minimum number of rows: with fewer, the finite-sample quantile is infinite."""
        return rounded_up(self.coverage / (1 - self.coverage))

    def n_rows(self, n_val: int) -> int:
        """Returns how many of the validation rows are kept for calibration; 0 if there are too few.

        That is about half of them, rounded so that the finite-sample quantile has exactly the coverage: for 26 rows the
        nearest above 0.9 is 25/27, for 29 rows it is 27/30.

        Args:
            n_val: Number of validation rows.
        """
        left_out = 1 - self.coverage
        n_beyond = max(1, round(n_val / 2 * left_out))
        n = rounded_up(n_beyond / left_out) - 1
        return n if n <= MAX_KEPT * n_val else 0


def rounded_up(number: float) -> int:
    """Rounds up, except for rounding errors of floats."""
    return math.ceil(round(number, DIGITS))


class Decision(Section):
    """What is fitted after training, on rows that are not trained on."""

    temperature: bool
    threshold: Literal["none", "f1", "cost", "precision"]
    precision: Fraction
    false_positive_cost: PositiveFloat
    false_negative_cost: PositiveFloat
    interval: Fraction | None
    prediction_set: Fraction | None

    @property
    def calibration(self) -> Calibration | None:
        """What to calibrate; None if no rows are kept for it."""
        asked = {"decision.interval": self.interval, "decision.prediction_set": self.prediction_set}
        found = [Calibration(key, coverage) for key, coverage in asked.items() if coverage is not None]
        return found[0] if found else None


def check_decision(decision: Decision, task: str) -> None:
    """Checks a decision against the task.

    Args:
        decision: The section `decision`.
        task: `regression`, `binary` or `multiclass`.

    Raises:
        ValueError: A key does not apply to the task.
    """
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
