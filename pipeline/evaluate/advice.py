"""Advice on what to try next after a run, from its training and validation scores."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.config import Config

MUCH_WORSE = 1.25  # validation RMSE as a multiple of training's: the network fits noise
MUCH_LESS_SURE = 1.5  # the same of the log loss
FEWER_RIGHT = 0.03  # loss of accuracy from training to validation
LARGEST_DROPOUT = 0.5


def advice(config: Config, n_epochs: int, best_epoch: int | None, scores: Mapping[str, float]) -> str | None:
    """Returns a sentence with the key to change; None if nothing stands out.

    Args:
        config: The experiment.
        n_epochs: Number of trained epochs.
        best_epoch: Epoch whose weights were kept, from 1; None without early stopping.
        scores: `train_rmse`, `val_rmse`, ... or `train_log_loss`, `train_accuracy`, ...
    """
    if scores.get("val_accuracy") == 1:
        return None
    if best_epoch == n_epochs:
        if n_epochs == config.fit.epochs:
            return f"fit.epochs={2 * n_epochs}: the last epoch was the best"
        if config.fit.max_minutes is not None:
            return f"fit.max_minutes={2 * config.fit.max_minutes:g}: time ran out, and the last epoch was the best"
    seen = _overfitting(scores)
    return None if seen is None else f"{_remedy(config)}: {seen}"


def _overfitting(scores: Mapping[str, float]) -> str | None:
    """Describes the scores of training and validation if they are far apart; else None."""
    if "val_rmse" in scores:
        train, val = scores["train_rmse"], scores["val_rmse"]
        return f"RMSE is {train:.4g} in training and {val:.4g} in validation" if val > MUCH_WORSE * train else None
    right = scores["train_accuracy"], scores["val_accuracy"]
    is_less_sure = scores["val_log_loss"] > MUCH_LESS_SURE * scores["train_log_loss"]
    if not (is_less_sure and right[0] - right[1] > FEWER_RIGHT):
        return None
    return f"accuracy is {right[0]:.3g} in training and {right[1]:.3g} in validation"


def _remedy(config: Config) -> str:
    """Suggests more dropout if the architecture has it and it can grow, else weight decay."""
    model = config.model.model_dump()
    dropout, has_hidden = model.get("dropout"), model.get("units") != []
    if has_hidden and isinstance(dropout, float) and dropout < LARGEST_DROPOUT:
        return f"model.dropout={min(dropout + 0.2, LARGEST_DROPOUT):g}"
    return "fit=adamw fit.weight_decay=0.01"
