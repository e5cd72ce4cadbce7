"""What a run says is worth a try: only what was seen of it."""

import pytest

from pipeline import load
from pipeline.evaluate.advice import advice

FAR = {"train_rmse": 1.0, "val_rmse": 1.5}
NEAR = {"train_rmse": 1.0, "val_rmse": 1.1}
SURE = {"train_log_loss": 0.1, "val_log_loss": 0.4, "train_accuracy": 0.97, "val_accuracy": 0.88}


@pytest.mark.parametrize(
    ("words", "n_epochs", "best", "scores", "expected"),
    [
        ("fit.epochs=50", 50, 50, NEAR, "fit.epochs=100: the last epoch was the best"),
        ("fit.epochs=50 fit.max_minutes=1.5", 20, 20, FAR, "fit.max_minutes=3: time ran out"),
        ("fit.epochs=50", 30, 14, NEAR, None),
        ("fit.epochs=50", 30, 14, FAR, "model.dropout=0.2: RMSE is 1 in training and 1.5 in validation"),
        ("model.dropout=0.4", 30, 14, FAR, "model.dropout=0.5: RMSE"),
        ("model.dropout=0.5", 30, 14, FAR, "fit=adamw fit.weight_decay=0.01: RMSE"),
        ("model=linear", 30, 14, FAR, "fit=adamw fit.weight_decay=0.01: RMSE"),
        ("fit.epochs=50", 30, 14, SURE, "model.dropout=0.2: accuracy is 0.97 in training and 0.88 in validation"),
        ("fit.epochs=50", 30, 14, SURE | {"val_accuracy": 0.96}, None),
        ("fit.early_stopping.patience=null", 50, None, NEAR, None),
        ("fit.epochs=50", 50, 50, SURE | {"val_accuracy": 1.0}, None),
    ],
)
def test_advice_is_about_what_was_seen(
    words: str, n_epochs: int, best: int | None, scores: dict[str, float], expected: str | None
) -> None:
    found = advice(load(*words.split()), n_epochs, best, scores)
    assert found is None if expected is None else found is not None and found.startswith(expected)
