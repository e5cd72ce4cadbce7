"""Scores of predictions, per split, in the target's own units."""

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
    targets: dict[str, Target]  # of each split
    outputs: dict[str, Columns]  # what the model made of each split's raw rows
    weights: dict[str, np.ndarray | None]  # of each split's rows
    clamped: dict[
        str, int
    ]  # `train_clamped`, ...: predictions set to an end of the targets' range, where they keep to it


class Model(Protocol):
    """From raw columns to original units; see `pipeline.export.Assembled`."""

    def predict(self, inputs: Mapping[str, RawColumn]) -> Columns:
        """The outputs."""

    def n_clamped(self, inputs: Mapping[str, RawColumn], outputs: Columns) -> int | None:
        """How many of these predictions were set to an end of the training targets' range; None: they may leave it."""


def evaluate(model: Model, dataset: Dataset, held_out: Columns | None = None) -> Evaluation:
    """Scores a model from raw columns to original units on the raw rows of every split.

    Args:
        model: The model.
        dataset: The rows.
        held_out: What is to be taken for its outputs on validation rows, where it was trained on these too.
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
            text = "%s: %d of %d predictions left the training targets' range; data.output_clip=range bounds them"
            log.info(text, part, n_clamped, made["prediction"].size)
    return Evaluation(scores | gaps(scores), targets, outputs, weights, clamped)


class _Predicted(NamedTuple):
    """Rows of a part."""

    target: Target
    outputs: Columns
    weight: np.ndarray | None
    n_clamped: int | None


def _predicted(model: Model, dataset: Dataset, held_out: Columns | None) -> dict[str, _Predicted]:
    """The rows of each part with what the model makes of them, put together where they come in blocks."""
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
    """That what the config asks of scores can be had, before training; gives the score that a sweep compares.

    Raises:
        ConfigError: A score is unknown or undefined, or the task has no such decision.
    """
    for name in config.sweep.objectives or []:
        if name.startswith("val_"):
            objective_name(name, dataset, key="sweep.objectives")
    check_decision(config.decision, dataset.rows)
    return objective_name(config.objective, dataset)


def objective_name(objective: str, dataset: Dataset, key: str = "objective") -> str:
    """The final score that a sweep compares; known, and known to be defined, before training.

    Args:
        objective: The score, or auto.
        dataset: The rows, of which some validate.
        key: Where it was named.

    Raises:
        ConfigError: The task has no such score, or the validation rows do not define it.
    """
    task = dataset.rows.target.task
    if objective == "auto":
        return "val_rmse" if task == "regression" else "val_log_loss"
    val = dataset.part("val")
    known = [f"val_{name}" for name in _names(val.target)]
    if objective not in known:
        raise ConfigError(f"{key}: a {task} task has no {objective}; there are {', '.join(known)}")
    perfect = score(val.target, _perfect(val.target), val.sample_weight)
    if objective.removeprefix("val_") not in perfect:
        raise ConfigError(
            f"{key}: {objective} is undefined on these {len(val)} validation rows; "
            "use a larger data.split.val_fraction or another objective"
        )
    return objective


def score(target: Target, outputs: Columns, weight: np.ndarray | None = None) -> Scores:
    """Scores of predictions; one that the rows do not define is left out.

    Regression: `rmse` and `mae` in the target's unit, `r2`; with several targets their means, and each target's own
    as `rmse_<target>`, its name made an identifier. Classes: `accuracy`, `log_loss` in nats, `f1_macro`, `roc_auc`
    and `pr_auc` (average precision), these two for more than two classes one against the rest and averaged.
    With bounds or sets of labels `coverage`, how many of the rows they are right for, and `interval_width` in the
    target's unit or `set_size` in labels.
    """
    if target.task == "regression":
        return _regression(target, outputs["prediction"], weight) | _of_bounds(target, outputs)
    return _classes(target, outputs, weight) | _of_sets(target, outputs)


def _of_bounds(target: Target, outputs: Columns) -> Scores:
    """How often the truth is within bounds, and how far these are apart, of rows whatever their weight."""
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
    """How often the true label is in its set, and how many labels that has."""
    if "prediction_set" not in outputs:
        return {}
    sets = outputs["prediction_set"]
    hits = sets[np.arange(len(sets)), target.values[:, 0]]
    return {"coverage": float(hits.mean()), "set_size": float(sets.sum(axis=1).mean())}


def check_decision(decision: Decision, rows: Rows) -> None:
    """Looks, before training, whether the task has what is to be learned after it.

    Raises:
        ConfigError: A regression has no probabilities, or there are not two classes.
    """
    try:
        decisions.check_decision(decision, rows.target.task)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def gaps(scores: Scores) -> Scores:
    """How much worse validation is than training, by score that is better or worse: the overfitting gap."""
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
    if len(np.unique(weighed)) > 1:  # else there is no variance to explain
        scores["r2"] = float(metrics.r2_score(truth, prediction, sample_weight=weight))
    return scores


def _classes(target: Target, outputs: Columns, weight: np.ndarray | None) -> Scores:
    truth, every = target.values[:, 0], np.arange(len(target.classes))
    probabilities, predicted = outputs["probabilities"], target.named(outputs)
    counted = slice(None) if weight is None else weight > 0  # else their classes would be scored as never hit
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
    if len(np.unique(truth[counted])) < len(every):  # a class without rows has no rank among the others
        return scores
    one_hot = np.eye(len(every))[truth]
    positives = slice(1, 2) if len(every) == 2 else slice(None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranked = one_hot[:, positives], probabilities[:, positives]
        scores["roc_auc"] = float(metrics.roc_auc_score(*ranked, average="macro", sample_weight=weight))
        scores["pr_auc"] = float(metrics.average_precision_score(*ranked, average="macro", sample_weight=weight))
    return scores
