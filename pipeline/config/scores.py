"""The scores of a split, and which way each is better."""

from typing import Literal

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
