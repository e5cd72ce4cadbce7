"""Scores that can be an objective, and their directions."""

from collections.abc import Sequence
from typing import Literal

# Scores of a split, and their directions.
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    "rmse": "minimize",
    "mae": "minimize",
    "r2": "maximize",
    "log_loss": "minimize",
    "accuracy": "maximize",
    "roc_auc": "maximize",
    "pr_auc": "maximize",
    "f1_macro": "maximize",
}

# Measurements that a search can minimize next to a score.
MEASURED = ("n_parameters", "seconds_fit")
OF_AN_EXPORT = ("export_difference", "seconds_export")  # the same, but only with a model for each trial: sweep.keep=all


def percent(share: float) -> str:
    """Formats how far apart two scores are, without the sign: 0.00412 as `0.41 %`, 4.2 as `420 %`."""
    value = abs(share) * 100
    return f"{value:.2g} %" if value < 99.5 else f"{value:,.0f} %"


def checked_objective(objective: str, others: Sequence[str] = ("auto",)) -> str:
    """Checks an objective and returns it.

    Args:
        objective: Name of a score.
        others: Names that are allowed as well as validation scores.

    Raises:
        ValueError: It is neither a validation score with a known direction nor one of the others.
    """
    if objective.startswith("test_"):
        raise ValueError(f"{objective} would select by the test rows; name a val_* score")
    if objective not in others and not (objective.startswith("val_") and direction(objective)):
        scores = ", ".join(f"val_{name}" for name in DIRECTIONS)
        raise ValueError(f"should be {', '.join(others)} or one of {scores}, got {objective!r}")
    return objective


def direction(score: str) -> Literal["minimize", "maximize"] | None:
    """Returns the direction of a `val_*` score or a measurement; None if it is unknown.

    `val_rmse_<output>` has the direction of `val_rmse`.
    """
    if score in (*MEASURED, *OF_AN_EXPORT):
        return "minimize"
    if not score.startswith("val_"):
        return None
    name = score.removeprefix("val_")
    per_output = ("rmse", "mae", "r2")
    return DIRECTIONS.get(name) or next((DIRECTIONS[kind] for kind in per_output if name.startswith(f"{kind}_")), None)


def baseline_metric(baseline: str, score: str) -> str:
    """Returns the metric name of a baseline's score, as in `baseline/boosting/test_rmse`.

    Args:
        baseline: Name of the baseline.
        score: Name of the score.
    """
    return f"baseline/{baseline}/{score}"
