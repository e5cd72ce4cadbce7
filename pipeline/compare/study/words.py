"""Quantities, positions and numbers in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pipeline.config.scores import DIRECTIONS

Position = float | str  # a place on a study's axis: a number, or an option that has no order

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
    """A quantity in words; `loss` is the one to reach."""
    part, _, score = quantity.partition("_")
    if part in PARTS and score in SCORES:
        return f"{PARTS[part]} {SCORES[score]}"
    return MEASURED[quantity].format(loss=loss or math.nan)


def of_several(quantities: Sequence[str]) -> str:
    """What they have in common, such as RMSE; nothing if that is nothing."""
    scores = {quantity.partition("_")[2] for quantity in quantities}
    return SCORES.get(scores.pop(), "") if len(scores) == 1 else ""


def better(quantity: str) -> Literal["minimize", "maximize"] | None:
    """Which way a quantity is better; None where neither is."""
    part, _, score = quantity.partition("_")
    if part == "gap":
        return "minimize"
    if part in PARTS and score in DIRECTIONS:
        return DIRECTIONS[score]
    return "minimize" if quantity.startswith(BETTER_LESS) else None


def by_ratio(quantity: str) -> bool:
    """Whether two values of it are to be compared by their ratio: twice the time is as much more at any scale."""
    return quantity.startswith(BY_RATIO)


def number(value: float) -> str:
    """Three significant digits, whole thousands without a power of ten."""
    if math.isnan(value):
        return "none"
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}"


def position(value: Position) -> str:
    """A place on the axis."""
    return value if isinstance(value, str) else f"{value:g}"
