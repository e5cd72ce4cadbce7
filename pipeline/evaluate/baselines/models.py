"""The baselines: fitted in seconds, with the same settings for every table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from pipeline.config.rules import Baseline, Data
from pipeline.data import RawColumn, Rows
from pipeline.evaluate.baselines.baseline_inputs import Matrix, for_linear, for_trees

Columns = dict[str, np.ndarray]
Predict = Callable[[Mapping[str, RawColumn]], Columns]  # raw columns to outputs, like the pipeline's own models

LINEAR_STEPS = 1000  # maximum of L-BFGS
# LightGBM's usual setting for a fair comparison; early stopping ends almost every table long before the last round.
BOOSTING = {"learning_rate": 0.05, "max_iter": 2000, "early_stopping": True, "n_iter_no_change": 20, "random_state": 0}


@dataclass(frozen=True)
class Fitted:
    """A fitted baseline with the interface that `evaluate` needs."""

    outputs: Predict

    def predict(self, inputs: Mapping[str, RawColumn]) -> Columns:
        """Returns the outputs by name."""
        return self.outputs(inputs)

    def n_clamped(self, inputs: Mapping[str, RawColumn], outputs: Columns) -> int | None:
        """Returns None: predictions of baselines are not clipped.

        Args:
            inputs: Not used.
            outputs: Not used.
        """
        return None


def fitted(name: Baseline, train: Rows, val: Rows, config: Data) -> Fitted:
    """Fits a baseline.

    Args:
        name: Name of the baseline.
        train: Raw training rows.
        val: Raw validation rows, for the early stopping of boosting.
        config: The data section, with the kinds of columns that the user sets.
    """
    if name == "majority":
        return Fitted(_majority(train))
    return Fitted(_linear(train, config) if name == "linear" else _boosting(train, val, config))


def _majority(train: Rows) -> Predict:
    """Predicts the training rows' mean, or their class frequencies."""
    target, weight = train.target, train.sample_weight
    if target.task == "regression":
        output, row = "prediction", np.average(target.values, axis=0, weights=weight)
    else:
        counts = np.bincount(target.values[:, 0], weight, minlength=len(target.classes))
        output, row = "probabilities", counts / counts.sum()
    return lambda columns: {output: np.tile(row, (len(next(iter(columns.values()))), 1))}


def _linear(train: Rows, config: Data) -> Predict:
    """Fits ridge or logistic regression with scikit-learn's default penalty."""
    matrix, target, weight = for_linear(train, config), train.target, train.sample_weight
    if target.task == "regression":
        ridge = Ridge().fit(matrix(train.inputs), target.values, sample_weight=weight)
        return lambda columns: {"prediction": ridge.predict(matrix(columns)).reshape(-1, target.values.shape[1])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after this many steps the scores hardly change
        logistic = LogisticRegression(max_iter=LINEAR_STEPS)
        logistic.fit(matrix(train.inputs), target.values[:, 0], sample_weight=weight)
    return _probabilities(logistic, matrix, len(target.classes))


def _boosting(train: Rows, val: Rows, config: Data) -> Predict:
    """Fits scikit-learn's histogram gradient boosting (after LightGBM: Ke et al. 2017), one model per target."""
    inputs = for_trees(train, config)
    x, x_val = inputs.matrix(train.inputs), inputs.matrix(val.inputs)
    settings: dict[str, Any] = BOOSTING | {"categorical_features": inputs.is_category}
    if train.target.task != "regression":
        classes, numbers = train.target.values[:, 0], val.target.values[:, 0]
        known = np.isin(numbers, classes)  # a class without a training row cannot be predicted
        weight = None if val.sample_weight is None else val.sample_weight[known]
        one = HistGradientBoostingClassifier(**settings).fit(
            x, classes, train.sample_weight, X_val=x_val[known], y_val=numbers[known], sample_weight_val=weight
        )
        return _probabilities(one, inputs.matrix, len(train.target.classes))
    of_targets = [
        HistGradientBoostingRegressor(**settings).fit(
            x, y, train.sample_weight, X_val=x_val, y_val=y_val, sample_weight_val=val.sample_weight
        )
        for y, y_val in zip(train.target.values.T, val.target.values.T, strict=True)
    ]

    def predict(columns: Mapping[str, RawColumn]) -> Columns:
        rows = inputs.matrix(columns)
        return {"prediction": np.stack([model.predict(rows) for model in of_targets], axis=1)}

    return predict


def _probabilities(model: Any, matrix: Matrix, n_classes: int) -> Predict:
    """Predicts probabilities of all classes, 0 for classes without training rows."""

    def predict(columns: Mapping[str, RawColumn]) -> Columns:
        given = model.predict_proba(matrix(columns))
        found = np.zeros((len(given), n_classes))
        found[:, model.classes_] = given
        return {"probabilities": found}

    return predict
