"""What is learned after training, on validation rows: how sure probabilities are to be, and when to say yes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import keras
import numpy as np

from pipeline.config.decision import Decision
from pipeline.data import Preprocessing, Rows
from pipeline.export.assemble import BATCH_ROWS

log = logging.getLogger(__name__)

TEMPERATURES = (0.05, 20.0)  # between which the best is looked for
STEPS = 60  # of the search, each of which leaves 0.62 of the range


@dataclass(frozen=True)
class Decided:
    """A network and the threshold for its probabilities."""

    network: keras.Model  # its logits are divided by the temperature
    threshold: float | None  # of the second class's probability, from which on it is the label; None is the larger one
    temperature: float | None

    def summary(self) -> dict[str, float]:
        """The measurements to log."""
        learned = {
            "n_parameters": self.network.count_params(), "threshold": self.threshold, "temperature": self.temperature
        }  # fmt: skip
        return {name: value for name, value in learned.items() if value is not None}


def decide(config: Decision, val: Rows, preprocessing: Preprocessing, network: keras.Model) -> Decided:
    """Learns temperature and threshold where they are asked for.

    Args:
        config: What is asked for.
        val: Raw validation rows.
        preprocessing: From these to the network's inputs.
        network: From these to logits.
    """
    if not config.temperature and config.threshold == "none":
        return Decided(network, None, None)
    logits = network.predict(preprocessing.apply(val).x, batch_size=BATCH_ROWS, verbose=0).astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    truth = val.target.values[:, 0]
    weight = np.ones(len(val)) if val.sample_weight is None else val.sample_weight
    temperature, threshold = None, None
    if config.temperature:
        temperature = best_temperature(logits, truth, weight)
        logits = logits / temperature
        # A layer of its own, so that every format of the export has it.
        cooled = keras.layers.Rescaling(1 / temperature, dtype="float32", name="temperature")(network.outputs[0])
        network = keras.Model(network.input, cooled, name=network.name)
        log.info("temperature %.4g, fitted on %d validation rows", temperature, len(val))
    if config.threshold != "none":
        probability = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        threshold = best_threshold(config, probability, truth == 1, weight)
        log.info("threshold %.4g, by %s on %d validation rows", threshold, config.threshold, len(val))
    return Decided(network, threshold, temperature)


def best_temperature(logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """The number to divide logits by for the least log loss (Guo et al. 2017), by golden-section search.

    Args:
        logits: `(n_rows, n_classes)`.
        truth: `(n_rows,)` class numbers.
        weight: `(n_rows,)`.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(truth)), truth]

    def loss(inverse: float) -> float:
        return float(weight @ (np.log(np.exp(shifted * inverse).sum(axis=1)) - own * inverse))

    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]  # the loss is convex in the inverse
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return float(2 / (low + high))


def best_threshold(config: Decision, probability: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> float:
    """The threshold that suits the rows best: halfway between two probabilities, so that rounding moves no row.

    Args:
        config: Says by what.
        probability: `(n_rows,)` of the second class.
        positive: `(n_rows,)` whether it is the second class.
        weight: `(n_rows,)`.
    """
    order = np.argsort(-probability, kind="stable")
    sorted_, yes = probability[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(sorted_)), len(sorted_) - 1)  # of each run of equal probabilities
    hits = np.cumsum(weight[order] * yes)[last]
    alarms = np.cumsum(weight[order] * ~yes)[last]
    misses = hits[-1] - hits
    thresholds = (sorted_[last] + np.append(sorted_[last[1:]], 0)) / 2
    if config.threshold == "f1":
        return float(thresholds[np.argmax(2 * hits / np.maximum(2 * hits + alarms + misses, 1e-300))])
    if config.threshold == "cost":
        costs = config.false_positive_cost * alarms + config.false_negative_cost * misses
        if sorted_[0] < 1 and config.false_negative_cost * hits[-1] <= costs.min():
            return float((sorted_[0] + 1) / 2)  # never yes is the cheapest
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
