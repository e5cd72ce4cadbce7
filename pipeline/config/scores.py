"""Which scores can be an objective, and which way each is better."""

from collections.abc import Sequence
from typing import Literal

# The scores of a split that is done, and which way is better.
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

# What a search may minimize beside a score.
MEASURED = ("n_parameters", "seconds_fit")
OF_AN_EXPORT = ("export_difference", "seconds_export")  # the same of trials that each have a model: sweep.keep=all


def checked_objective(objective: str, others: Sequence[str] = ("auto",)) -> str:
    """Raises ValueError unless the objective is a validation score with a known direction, or one of the others."""
    if objective.startswith("test_"):
        raise ValueError(f"{objective} would choose by the test rows; name a val_* score")
    if objective not in others and not (objective.startswith("val_") and direction(objective)):
        scores = ", ".join(f"val_{name}" for name in DIRECTIONS)
        raise ValueError(f"should be {', '.join(others)} or one of {scores}, got {objective!r}")
    return objective


def direction(score: str) -> Literal["minimize", "maximize"] | None:
    """Which way a `val_*` score or a measurement is better, None if there is none such.

    `val_rmse_<output>` goes with `val_rmse`.
    """
    if score in (*MEASURED, *OF_AN_EXPORT):
        return "minimize"
    if not score.startswith("val_"):
        return None
    name = score.removeprefix("val_")
    per_output = ("rmse", "mae", "r2")
    return DIRECTIONS.get(name) or next((DIRECTIONS[kind] for kind in per_output if name.startswith(f"{kind}_")), None)


def baseline_metric(baseline: str, score: str) -> str:
    """The name by which a run logs a baseline's score, as in `baseline/boosting/test_rmse`."""
    return f"baseline/{baseline}/{score}"
