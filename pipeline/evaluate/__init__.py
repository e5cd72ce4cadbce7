"""Scores of predictions, per split, in the target's original units."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from sklearn import metrics

from pipeline.config import DIRECTIONS, Config
from pipeline.config import decision_rules as decisions
from pipeline.config.decision_rules import Decision
from pipeline.data import Dataset, RawColumn, Rows, Target, identifiers
from pipeline.errors import ConfigError, TrainingError

log = logging.getLogger(__name__)

Columns = dict[str, np.ndarray]
Scores = dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Predictions and scores of every split."""

    scores: Scores  # `train_rmse`, `val_rmse`, `test_rmse`, `gap_rmse`, ...
    targets: dict[str, Target]  # by split
    outputs: dict[str, Columns]  # the model's outputs for the raw rows, by split
    weights: dict[str, np.ndarray | None]  # row weights, by split
    clamped: dict[
        str, int
    ]  # `train_clamped`, ...: number of predictions clipped to the targets' range, if they are clipped


class Model(Protocol):
    """A model from raw columns to original units; see `pipeline.export.Assembled`."""

    def predict(self, inputs: Mapping[str, RawColumn]) -> Columns:
        """Returns the outputs by name."""

    def n_clamped(self, inputs: Mapping[str, RawColumn], outputs: Columns) -> int | None:
        """Returns how many predictions were clipped to the training targets' range; None if they are not clipped.

        Args:
            inputs: Raw columns.
            outputs: Outputs of the model for them.
        """


def evaluate(model: Model, dataset: Dataset, held_out: Columns | None = None) -> Evaluation:
    """Scores a model from raw columns to original units on the raw rows of every split.

    Args:
        model: The model.
        dataset: The rows.
        held_out: Outputs to use for the validation rows, such as out-of-fold ones if the model was trained on them.
    """
    scores: Scores = {}
    targets, outputs, weights, clamped = {}, {}, {}, {}
    for part, (target, made, weight, n_clamped) in _predicted(model, dataset, held_out).items():
        targets[part], outputs[part], weights[part] = target, made, weight
        if n_clamped is not None:
            clamped[f"{part}_clamped"] = n_clamped
        _require_finite(made, part)
        found = score(target, made, weight)
        missing = [name for name in _names(target) if name not in found]
        if missing:
            n_rows = len(target.values)
            log.info("%s: %s cannot be computed on its %d rows and is left out", part, ", ".join(missing), n_rows)
        scores |= {f"{part}_{name}": value for name, value in found.items()}
        if n_clamped:
            text = "%s: %d of %d predictions are outside the training targets' range; data.output_clip=range clips them"
            log.info(text, part, n_clamped, made["prediction"].size)
    return Evaluation(scores | gaps(scores), targets, outputs, weights, clamped)


class _Predicted(NamedTuple):
    """Truth, outputs and weights of the rows of a split."""

    target: Target
    outputs: Columns
    weight: np.ndarray | None
    n_clamped: int | None


def _predicted(model: Model, dataset: Dataset, held_out: Columns | None) -> dict[str, _Predicted]:
    """Predicts the rows of each split, and joins the blocks of streamed ones."""
    found: dict[str, list[_Predicted]] = {part: [] for part in dataset.n_rows}
    for part, chosen in dataset.scored():
        made = held_out if part == "val" and held_out is not None else model.predict(chosen.inputs)
        found[part].append(_Predicted(chosen.target, made, chosen.sample_weight, model.n_clamped(chosen.inputs, made)))
    return {part: blocks[0] if len(blocks) == 1 else _joined(blocks) for part, blocks in found.items()}


def _joined(blocks: list[_Predicted]) -> _Predicted:
    weights = [block.weight for block in blocks if block.weight is not None]
    counts = [block.n_clamped for block in blocks if block.n_clamped is not None]
    return _Predicted(
        replace(blocks[0].target, values=np.concatenate([block.target.values for block in blocks])),
        {name: np.concatenate([block.outputs[name] for block in blocks]) for name in blocks[0].outputs},
        np.concatenate(weights) if weights else None,
        sum(counts) if counts else None,
    )


def _require_finite(outputs: Columns, part: str) -> None:
    predicted = outputs["prediction" if "prediction" in outputs else "probabilities"]
    n_wrong = int((~np.isfinite(predicted)).any(axis=1).sum())
    if n_wrong:
        raise TrainingError(
            f"the trained network's predictions for {n_wrong} of {len(predicted)} {part} rows are not finite; "
            "try a smaller fit.learning_rate, or fit.clip_norm=1"
        )


def check(config: Config, dataset: Dataset) -> str:
    """Checks before training that the configured scores can be computed; returns the score that a sweep compares.

    Args:
        config: The experiment.
        dataset: Its rows.

    Raises:
        ConfigError: A score is unknown or undefined, or the decision does not apply to the task.
    """
    for name in config.search.objectives or []:
        if name.startswith("val_"):
            objective_name(name, dataset, key="search.objectives")
    check_decision(config.decision, dataset.rows)
    return objective_name(config.objective, dataset)


def objective_name(objective: str, dataset: Dataset, key: str = "objective") -> str:
    """Returns the name of the final score that a sweep compares, checked before training.

    Args:
        objective: Name of the score, or auto.
        dataset: The rows.
        key: Key that the score comes from, for messages.

    Raises:
        ConfigError: The score is unknown for the task, or undefined on the validation rows.
    """
    task = dataset.rows.target.task
    if objective == "auto":
        return "val_rmse" if task == "regression" else "val_log_loss"
    val = dataset.part("val")
    known = [f"val_{name}" for name in _names(val.target)]
    if objective not in known:
        raise ConfigError(f"{key}: {objective} is not a score of a {task} task; use one of {', '.join(known)}")
    perfect = score(val.target, _perfect(val.target), val.sample_weight)
    if objective.removeprefix("val_") not in perfect:
        raise ConfigError(
            f"{key}: {objective} is undefined on these {len(val)} validation rows; "
            "use a larger data.split.val_fraction or another objective"
        )
    return objective


def score(target: Target, outputs: Columns, weight: np.ndarray | None = None) -> Scores:
    """Computes the scores of predictions; a score that is undefined on the rows is left out.

    Regression: `rmse` and `mae` in the target's unit, and `r2`. With several targets these are means, and each target
    has its own `rmse_<target>`, with its name made an identifier. Classes: `accuracy`, `log_loss` in nats, `f1_macro`,
    `roc_auc` and `pr_auc` (average precision); the last two are averages of one-versus-rest for more than two classes.
    With bounds or sets of labels: `coverage`, the share of rows that they cover, and `interval_width` in the target's
    unit or `set_size` in labels.

    Args:
        target: The truth.
        outputs: Outputs of a model for the same rows.
        weight: `(n_rows,)`, or None.
    """
    if target.task == "regression":
        return _regression(target, outputs["prediction"], weight) | _of_bounds(target, outputs)
    return _classes(target, outputs, weight) | _of_sets(target, outputs)


def _of_bounds(target: Target, outputs: Columns) -> Scores:
    """Returns coverage and mean width of the bounds; row weights do not count."""
    if "lower" not in outputs:
        return {}
    lower, upper, truth = outputs["lower"], outputs["upper"], target.values
    found = {
        "coverage": ((lower <= truth) & (truth <= upper)).mean(axis=0),
        "interval_width": (upper - lower).mean(axis=0),
    }
    means = {name: float(of_targets.mean()) for name, of_targets in found.items()}
    if len(target.names) == 1:
        return means
    named = list(enumerate(identifiers(list(target.names))))
    return means | {f"{name}_{output}": float(each[at]) for at, output in named for name, each in found.items()}


def _of_sets(target: Target, outputs: Columns) -> Scores:
    """Returns coverage and mean size of the label sets."""
    if "prediction_set" not in outputs:
        return {}
    sets = outputs["prediction_set"]
    hits = sets[np.arange(len(sets)), target.values[:, 0]]
    return {"coverage": float(hits.mean()), "set_size": float(sets.sum(axis=1).mean())}


def check_decision(decision: Decision, rows: Rows) -> None:
    """Checks before training that the learned decisions apply to the task.

    Args:
        decision: The decision section.
        rows: The rows of the data set.

    Raises:
        ConfigError: Temperatures need classes, and thresholds need two classes.
    """
    try:
        decisions.check_decision(decision, rows.target.task)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def gaps(scores: Scores) -> Scores:
    """Returns the overfitting gap of each score: how much worse validation is than training."""
    return {
        f"gap_{name}": value - scores[f"train_{name}"]
        if DIRECTIONS[_kind(name)] == "minimize"
        else scores[f"train_{name}"] - value
        for name, value in (
            (key.removeprefix("val_"), value) for key, value in scores.items() if key.startswith("val_")
        )
        if f"train_{name}" in scores and _kind(name) in DIRECTIONS
    }


def _kind(name: str) -> str:
    return name if name in DIRECTIONS else name.partition("_")[0]


def _names(target: Target) -> list[str]:
    if target.task != "regression":
        return ["accuracy", "log_loss", "roc_auc", "pr_auc", "f1_macro"]
    single = ["rmse", "mae", "r2"]
    return single + (
        [f"{name}_{output}" for output in identifiers(list(target.names)) for name in single]
        if len(target.names) > 1
        else []
    )


def _perfect(target: Target) -> Columns:
    if target.task == "regression":
        return {"prediction": target.values}
    return {"probabilities": np.eye(len(target.classes))[target.values[:, 0]]}


def _regression(target: Target, prediction: np.ndarray, weight: np.ndarray | None) -> Scores:
    per_output = [_one_output(*columns, weight) for columns in zip(target.values.T, prediction.T, strict=True)]
    means = {
        name: float(np.mean([scores[name] for scores in per_output]))
        for name in ("rmse", "mae", "r2")
        if all(name in scores for scores in per_output)
    }
    if len(per_output) == 1:
        return means
    named = zip(identifiers(list(target.names)), per_output, strict=True)
    return means | {f"{name}_{output}": value for output, scores in named for name, value in scores.items()}


def _one_output(truth: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> Scores:
    scores = {
        "rmse": float(metrics.root_mean_squared_error(truth, prediction, sample_weight=weight)),
        "mae": float(metrics.mean_absolute_error(truth, prediction, sample_weight=weight)),
    }
    weighed = truth if weight is None else truth[weight > 0]
    if len(np.unique(weighed)) > 1:  # R2 is undefined without variance
        scores["r2"] = float(metrics.r2_score(truth, prediction, sample_weight=weight))
    return scores


def _classes(target: Target, outputs: Columns, weight: np.ndarray | None) -> Scores:
    truth, every = target.values[:, 0], np.arange(len(target.classes))
    probabilities, predicted = outputs["probabilities"], target.named(outputs)
    counted = slice(None) if weight is None else weight > 0  # classes of rows without weight would score 0
    scores = {
        "accuracy": float(metrics.accuracy_score(truth, predicted, sample_weight=weight)),
        "log_loss": float(metrics.log_loss(truth, probabilities, labels=every, sample_weight=weight)),
        "f1_macro": float(
            metrics.f1_score(
                truth[counted], predicted[counted], average="macro",
                sample_weight=None if weight is None else weight[counted],
            )
        ),
    }  # fmt: skip
    if len(np.unique(truth[counted])) < len(every):  # AUC is undefined for a class without rows
        return scores
    one_hot = np.eye(len(every))[truth]
    positives = slice(1, 2) if len(every) == 2 else slice(None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranked = one_hot[:, positives], probabilities[:, positives]
        scores["roc_auc"] = float(metrics.roc_auc_score(*ranked, average="macro", sample_weight=weight))
        scores["pr_auc"] = float(metrics.average_precision_score(*ranked, average="macro", sample_weight=weight))
    return scores
