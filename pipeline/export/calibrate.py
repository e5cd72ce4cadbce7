"""Learns after training, on rows that do not train: the temperature, the threshold, and bounds or sets of labels."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import keras
import numpy as np
from scipy.optimize import minimize_scalar

from pipeline.config.decision_rules import Decision
from pipeline.data import Dataset, Preprocessing, Rows, Target
from pipeline.export.assemble import BATCH_ROWS
from pipeline.export.calibration_values import Learned
from pipeline.export.conformal import Interval, floors_of, interval_of, prediction_set_of
from pipeline.export.deviation import probabilities_of
from pipeline.fit.member_losses import mean_of_members
from pipeline.model.layers.stacked_members import SpreadOfMembers

log = logging.getLogger(__name__)

TEMPERATURES = (0.05, 20.0)  # range of the search


@dataclass(frozen=True)
class Decided:
    """A network and what is applied to its outputs."""

    network: keras.Model  # its logits are divided by the temperature; members' predictions are followed by their spread
    learned: Learned
    temperature: float | None = None
    held_out: np.ndarray | None = None  # (n_val, n) outputs for validation rows, from networks not trained on them

    def summary(self) -> dict[str, float]:
        """The values to log."""
        learned = {
            "n_parameters": self.network.count_params(),
            "threshold": self.learned.threshold, "temperature": self.temperature,
        }  # fmt: skip
        return {name: value for name, value in learned.items() if value is not None}


def decide(
    config: Decision,
    dataset: Dataset,
    preprocessing: Preprocessing,
    network: keras.Model,
    held_out: np.ndarray | None = None,
    out_of_fold: np.ndarray | None = None,
) -> Decided:
    """Learns what is requested: temperature and threshold on validation rows, bounds and sets on calibration rows.

    Without calibration rows, bounds and sets are learned from the training and validation rows, out of fold.

    Args:
        config: The section `decision`.
        dataset: All rows.
        preprocessing: Converts rows to the network's inputs.
        network: Network to scaled predictions or logits.
        held_out: `(n_train + n_val, n_outputs)` outputs to use instead of the network's, if it was also trained on
            validation rows; otherwise None.
        out_of_fold: `(n_train + n_val, n)` outputs of similar networks for rows that they were not trained on, possibly
            followed by members' spread; None if there are calibration rows.

    Raises:
        TrainingError: No bounds have the requested coverage.
    """
    made = None if held_out is None else held_out[-dataset.n_rows["val"] :]
    temperature, threshold = _of_probabilities(config, dataset, preprocessing, network, made)
    if temperature is not None:
        network, made = _cooled(network, temperature), None if made is None else made / temperature
    learned = Learned(threshold=threshold)
    if config.interval is not None:
        if out_of_fold is None or out_of_fold.shape[1] > network.output_shape[1]:
            network = with_spread(network)
        learned = replace(learned, interval=_interval(config.interval, dataset, preprocessing, network, out_of_fold))
    if config.prediction_set is not None:
        target, outputs = _calibrating(dataset, preprocessing, network, out_of_fold, temperature)
        sets = prediction_set_of(config.prediction_set, target, probabilities_of(outputs))
        learned = replace(learned, prediction_set=sets)
    return Decided(network, learned, temperature, made)


def _of_probabilities(
    config: Decision, dataset: Dataset, preprocessing: Preprocessing, network: keras.Model, made: np.ndarray | None
) -> tuple[float | None, float | None]:
    """Temperature and threshold from validation rows, with the outputs `made` if given, else the network's."""
    if not config.temperature and config.threshold == "none":
        return None, None
    val, temperature, threshold = dataset.part("val"), None, None
    logits = _logits(_outputs(network, preprocessing, val) if made is None else made)
    truth = val.target.values[:, 0]
    weight = np.ones(len(val)) if val.sample_weight is None else val.sample_weight
    if config.temperature:
        temperature = best_temperature(logits, truth, weight)
        logits = logits / temperature
        log.info("temperature %.4g, fitted on %d validation rows", temperature, len(val))
    if config.threshold != "none":
        probability = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        threshold = best_threshold(config, probability, truth == 1, weight)
        log.info("threshold %.4g, by %s on %d validation rows", threshold, config.threshold, len(val))
    return temperature, threshold


def _outputs(network: keras.Model, preprocessing: Preprocessing, rows: Rows) -> np.ndarray:
    found: np.ndarray = network.predict(preprocessing.apply(rows).x, batch_size=BATCH_ROWS, verbose=0)
    return found


def _logits(outputs: np.ndarray) -> np.ndarray:
    """Logits of each class, `(n_rows, n_classes)` float64."""
    logits = outputs.astype(np.float64)
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits


def _cooled(network: keras.Model, temperature: float) -> keras.Model:
    """The network with divided logits, in a layer of its own so that every export format supports it."""
    cooled = keras.layers.Rescaling(1 / temperature, dtype="float32", name="temperature")(network.outputs[0])
    return keras.Model(network.input, cooled, name=network.name)


def with_spread(network: keras.Model) -> keras.Model:
    """A network of members whose spread follows its outputs, `(n_rows, 2 n_outputs)`; other networks are unchanged."""
    mean = mean_of_members(network)
    if mean is None or mean.input.shape[1] == 1:
        return network
    spread = SpreadOfMembers(name="spread")(mean.input)
    both = keras.layers.Concatenate(axis=1, name="with_spread")([network.outputs[0], spread])
    return keras.Model(network.input, both, name=network.name)


def _calibrating(
    dataset: Dataset,
    preprocessing: Preprocessing,
    network: keras.Model,
    out_of_fold: np.ndarray | None,
    temperature: float | None = None,
) -> tuple[Target, np.ndarray]:
    """Targets of the calibration rows, and outputs for them."""
    if out_of_fold is None:
        return dataset.calibration.target, _outputs(network, preprocessing, dataset.calibration)
    return dataset.rows.target.take(slice(len(out_of_fold))), out_of_fold / (temperature or 1.0)


def _interval(
    coverage: float,
    dataset: Dataset,
    preprocessing: Preprocessing,
    network: keras.Model,
    out_of_fold: np.ndarray | None,
) -> Interval:
    """Bounds; the floor of the spread comes from the validation rows."""
    target, outputs = _calibrating(dataset, preprocessing, network, out_of_fold)
    floors, n_targets = None, len(target.names)
    if network.output_shape[1] > n_targets:
        val = _outputs(network, preprocessing, dataset.part("val")) if out_of_fold is None else out_of_fold
        floors = floors_of(val, n_targets)
    return interval_of(coverage, target, outputs, preprocessing.outputs, floors)


def best_temperature(logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """The temperature that divides logits for the lowest log loss (Guo et al. 2017).

    Args:
        logits: `(n_rows, n_classes)`.
        truth: `(n_rows,)` class numbers.
        weight: `(n_rows,)`.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(truth)), truth]

    def loss(inverse: float) -> float:
        return float(weight @ (np.log(np.exp(shifted * inverse).sum(axis=1)) - own * inverse))

    # The loss is convex in the inverse. If all are equally good, the slope's sign selects the largest temperature.
    low, high = -1 / TEMPERATURES[0], -1 / TEMPERATURES[1]
    found = minimize_scalar(lambda x: loss(-x), bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return float(-1 / found.x)


def best_threshold(config: Decision, probability: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> float:
    """The best threshold on the rows: halfway between two probabilities, so that rounding affects no row.

    Args:
        config: The section `decision`.
        probability: Probability of the second class, `(n_rows,)`.
        positive: Whether the row is of the second class, `(n_rows,)`.
        weight: `(n_rows,)`.
    """
    order = np.argsort(-probability, kind="stable")
    sorted_, yes = probability[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(sorted_)), len(sorted_) - 1)  # the last of each run of equal probabilities
    hits = np.cumsum(weight[order] * yes)[last]
    alarms = np.cumsum(weight[order] * ~yes)[last]
    misses = hits[-1] - hits
    thresholds = (sorted_[last] + np.append(sorted_[last[1:]], 0)) / 2
    if config.threshold == "f1":
        return float(thresholds[np.argmax(2 * hits / np.maximum(2 * hits + alarms + misses, 1e-300))])
    if config.threshold == "cost":
        costs = config.false_positive_cost * alarms + config.false_negative_cost * misses
        if sorted_[0] < 1 and config.false_negative_cost * hits[-1] <= costs.min():
            return float((sorted_[0] + 1) / 2)  # to predict the second class never is cheapest
        return float(thresholds[np.argmin(costs)])
    precision = hits / np.maximum(hits + alarms, 1e-300)
    enough = precision >= config.precision
    if not enough.any():
        log.warning(
            "decision.precision: no threshold gives %g on the validation rows; the one with the highest, %.4g, is "
            "taken",
            config.precision,
            precision.max(),
        )
        return float(thresholds[np.argmax(precision)])
    return float(thresholds[np.argmax(np.where(enough, hits, -1))])
