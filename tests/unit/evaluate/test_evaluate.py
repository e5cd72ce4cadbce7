"""Scores: by hand, undefined ones left out, and of the very model that is exported."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from pipeline import ConfigError, data, evaluate, load
from pipeline.data import Target
from pipeline.train import Result


def regression(values: list[list[float]], names: tuple[str, ...] = ("y",)) -> Target:
    return Target("regression", names, np.array(values, float), np.array([]))


def classes(numbers: list[int], n: int) -> Target:
    task = "binary" if n == 2 else "multiclass"
    return Target(task, ("y",), np.array(numbers).reshape(-1, 1), np.arange(n))  # type: ignore[arg-type]


def test_regression_by_hand() -> None:
    found = evaluate.score(regression([[1], [2], [3]]), {"prediction": np.array([[1.0], [2.0], [6.0]])})
    assert found == {"rmse": pytest.approx(3**0.5), "mae": pytest.approx(1), "r2": pytest.approx(1 - 9 / 2)}


def test_several_outputs_and_their_means() -> None:
    target = regression([[1, 10], [3, 30]], ("Heating Load", "b"))
    found = evaluate.score(target, {"prediction": np.array([[2.0, 10.0], [4.0, 30.0]])})
    assert (found["rmse"], found["rmse_Heating_Load"], found["rmse_b"]) == (0.5, 1, 0)


def test_two_classes_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    found = evaluate.score(classes([0, 1, 0, 1], 2), {"probabilities": probabilities})
    assert found["accuracy"] == 0.75
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.6, 0.3, 0.8])))
    assert found["roc_auc"] == 0.75  # of the four pairs of a 1 and a 0, three are in order
    assert found["f1_macro"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_sample_weights_count() -> None:
    target, outputs = regression([[0], [0]]), {"prediction": np.array([[1.0], [3.0]])}
    assert evaluate.score(target, outputs, np.array([1.0, 0.0]))["rmse"] == 1
    assert evaluate.score(target, outputs, np.array([1.0, 1.0]))["mae"] == 2


def test_what_is_undefined_is_left_out() -> None:
    assert "r2" not in evaluate.score(regression([[1], [1]]), {"prediction": np.array([[1.0], [2.0]])})
    found = evaluate.score(classes([0, 1, 1], 3), {"probabilities": np.full((3, 3), 1 / 3)})
    assert "accuracy" in found
    assert "roc_auc" not in found


def test_gap_is_how_much_worse_validation_is() -> None:
    scores = {
        "train_rmse": 1.0,
        "val_rmse": 3.0,
        "train_accuracy": 0.9,
        "val_accuracy": 0.7,
        "train_r2_b": 0.5,
        "val_r2_b": 0.6,
    }
    found = evaluate.gaps(scores)
    assert found == {"gap_rmse": 2.0, "gap_accuracy": pytest.approx(0.2), "gap_r2_b": pytest.approx(-0.1)}


@pytest.mark.parametrize(
    ("option", "objective", "name"),
    [
        ("data=diabetes", "auto", "val_rmse"),
        ("data=iris", "auto", "val_log_loss"),
        ("data=iris", "val_accuracy", "val_accuracy"),
        ("data=linnerud", "val_mae_Waist", "val_mae_Waist"),
    ],
)
def test_objective(option: str, objective: str, name: str) -> None:
    config = load(option, f"objective={objective}")
    assert evaluate.objective_name(config.objective, data.load(config.data)) == name


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data=iris", "objective=val_rmse"], "val_rmse is not a score of a multiclass task; use one of val_accuracy"),
        (
            ["data=linnerud", "objective=val_rmse_Weist"],
            "val_rmse_Weist is not a score of a regression task; use one of val_rmse, val_mae",
        ),
        (
            ["data=iris", "objective=val_roc_auc", "data.split.kind=random", "data.split.val_fraction=0.01"],
            "val_roc_auc is undefined on these 2 validation rows",
        ),
    ],
)
def test_objective_that_will_not_be_there_is_known_before_training(overrides: list[str], message: str) -> None:
    config = load(*overrides)
    dataset = data.load(config.data)
    with pytest.raises(ConfigError, match=f"objective: .*{message}"):
        evaluate.objective_name(config.objective, dataset)


SLOW = [pytest.param(option, marks=pytest.mark.slow) for option in ("data=diabetes", "data=linnerud")]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["data=breast_cancer", *SLOW])
def test_dropout_and_batch_norm_rest_in_validation_scoring_and_export(
    trained: Callable[..., Result], epochs_of: Callable[[str], pd.DataFrame], option: str
) -> None:
    """Keras's validation, our scores from raw rows and the export, which was compared with them, come to the same."""
    result = trained(option, "model.dropout=0.5", "model.batch_norm=true", "fit.early_stopping.patience=null")
    last = epochs_of(result.run_id).iloc[-1]
    if option == "data=breast_cancer":
        assert last["val_loss"] == pytest.approx(result.scores["val_log_loss"], rel=1e-4)
        assert last["epoch_val_accuracy"] == pytest.approx(result.scores["val_accuracy"])
    else:
        assert last["epoch_val_rmse"] == pytest.approx(result.scores["val_rmse"], rel=1e-4)
        assert last["epoch_val_mae"] == pytest.approx(result.scores["val_mae"], rel=1e-4)


def test_objectives_of_a_search_are_looked_at_before_training() -> None:
    def checked(objectives: str) -> str:
        config = load("data=iris", f"search.objectives={objectives}")
        return evaluate.check(config, data.load(config.data))

    assert checked("[val_accuracy,n_parameters,seconds_fit]") == "val_log_loss"
    with pytest.raises(
        ConfigError, match=r"search.objectives: val_rmse is not a score of a multiclass task; use one of val_accuracy"
    ):
        checked("[n_parameters,val_rmse]")


def test_rows_without_weight_bring_no_class_into_f1() -> None:
    probabilities = np.eye(3)[[0, 1, 1, 1, 0]]
    weighed = evaluate.score(classes([0, 0, 1, 1, 2], 3), {"probabilities": probabilities}, np.array([1.0, 1, 1, 1, 0]))
    assert weighed == pytest.approx(evaluate.score(classes([0, 0, 1, 1], 3), {"probabilities": probabilities[:4]}))
    assert weighed["f1_macro"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_clamped_predictions_are_counted_and_reported(
    trained: Callable[..., Result], table: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    part = np.repeat(["train", "val", "test"], [200, 50, 50])
    x = np.concatenate([rng.uniform(0, 1, 200), rng.uniform(0.3, 0.7, 100)])
    x[[*range(200, 207), *range(250, 253)]] += 5
    path = table(x=x, y=10 * x + rng.normal(0, 0.1, 300), part=part)
    keys = ["data=plain_table", f"data.path={path}", "data.target=y", "data.split={kind: column, column: part}"]
    keys += ["model.units=[]", "fit.learning_rate=0.1", "fit.epochs=20", "fit.batch_size=16"]
    counts = {}
    for clip in ("none", "range"):
        caplog.clear()
        with caplog.at_level("INFO"):
            result = trained(*keys, f"data.output_clip={clip}")
        metrics = MlflowClient(result.store).get_run(result.run_id).data.metrics
        counts[clip] = {name: value for name, value in metrics.items() if name.endswith("_clamped")}
        reported = (
            "test: 3 of 50 predictions are outside the training targets' range; data.output_clip=range clips them"
        )
        assert (reported in caplog.text) == (clip == "range")
    assert counts["none"] == {}
    assert (counts["range"]["val_clamped"], counts["range"]["test_clamped"]) == (7, 3)
