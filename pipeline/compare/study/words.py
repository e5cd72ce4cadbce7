"""Names of quantities, and formats of positions and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pipeline.config.scores import DIRECTIONS

Position = float | str  # position on a study's axis: a number, or an unordered option

PARTS = {"train": "training", "val": "validation", "test": "test", "gap": "overfitting gap in"}
SCORES = {
    "rmse": "RMSE", "mae": "MAE", "r2": "R²", "log_loss": "log loss", "accuracy": "accuracy", "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC", "f1_macro": "macro F1",
}  # fmt: skip
MEASURED = {
    "n_parameters": "number of parameters",
    "n_zero_weights": "number of weights at zero",
    "n_zero_inputs": "number of inputs at zero",
    "seconds_fit": "time of training in seconds",
    "seconds_per_epoch": "seconds per epoch",
    "seconds_to_loss": "seconds to validation loss {loss:g}",
    "epochs_to_loss": "epochs to validation loss {loss:g}",
    "epochs_trained": "epochs trained",
    "best_epoch": "best epoch",
}
BETTER_LESS = ("seconds_", "epochs_to")
BY_RATIO = ("seconds_", "epochs_", "train_log_loss", "val_log_loss", "test_log_loss")


def name(quantity: str, loss: float | None = None) -> str:
    """Returns the name of a quantity in words.

    Args:
        quantity: The quantity, such as val_rmse.
        loss: The loss to reach, of quantities up to it.
    """
    part, _, score = quantity.partition("_")
    if part in PARTS and score in SCORES:
        return f"{PARTS[part]} {SCORES[score]}"
    return MEASURED[quantity].format(loss=loss or math.nan)


def of_several(quantities: Sequence[str]) -> str:
    """Returns the common name of several quantities, such as RMSE; empty if they have none."""
    scores = {quantity.partition("_")[2] for quantity in quantities}
    return SCORES.get(scores.pop(), "") if len(scores) == 1 else ""


def better(quantity: str) -> Literal["minimize", "maximize"] | None:
    """Returns the direction in which a quantity is better; None if it has no direction."""
    part, _, score = quantity.partition("_")
    if part == "gap":
        return "minimize"
    if part in PARTS and score in DIRECTIONS:
        return DIRECTIONS[score]
    return "minimize" if quantity.startswith(BETTER_LESS) else None


def by_ratio(quantity: str) -> bool:
    """Whether values of the quantity are compared by ratio, such as times: double is double at any scale."""
    return quantity.startswith(BY_RATIO)


def number(value: float) -> str:
    """Formats a number with three significant digits; large ones without a power of ten."""
    if math.isnan(value):
        return "none"
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}"


def position(value: Position) -> str:
    """Formats a position on the axis."""
    return value if isinstance(value, str) else f"{value:g}"
