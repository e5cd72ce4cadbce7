"""Optimizer rules for stacked weights, whose members have their own learning rates and weight decays.

They are the rules of Keras's optimizers, with their default constants; a contract test compares each to its original.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from pipeline.config.rules import Fit

Rule = Callable[[Any, Any, Sequence[Any], Any, Any], tuple[Any, list[Any]]]

BETA_1, BETA_2, RHO, EPSILON = 0.9, 0.999, 0.9, 1e-7
ADAMW_DECAY = 0.004  # Keras's own


def rule_of(config: Fit) -> tuple[Rule, int]:
    """Returns an optimizer's rule, and its number of slots per weight.

    A rule takes a weight and its gradient, both `(n_members, ...)`, the slots of the weight, the learning rate,
    `(n_members, 1, ...)`, and the number of the update, from 1. It returns the new weight and slots.
    """
    momentum = config.momentum or 0.0
    if config.optimizer == "sgd":
        return (_sgd, 0) if momentum == 0 else (_with_momentum(momentum, config.nesterov), 1)
    if config.optimizer == "rmsprop":
        return _rmsprop(momentum), 1 + (momentum > 0)
    return _adam, 2


def decay_of(config: Fit) -> float:
    """Returns the weight decay of kernels, per step and unit of learning rate."""
    if config.optimizer != "adamw":
        return 0.0
    return ADAMW_DECAY if config.weight_decay is None else config.weight_decay


def _sgd(weight: Any, gradient: Any, slots: Sequence[Any], rate: Any, number: Any) -> tuple[Any, list[Any]]:
    return weight - gradient * rate, []


def _with_momentum(momentum: float, nesterov: bool) -> Rule:
    def rule(weight: Any, gradient: Any, slots: Sequence[Any], rate: Any, number: Any) -> tuple[Any, list[Any]]:
        share = tf.cast(momentum, weight.dtype)
        velocity = slots[0] * share - gradient * rate
        return weight + (velocity * share - gradient * rate if nesterov else velocity), [velocity]

    return rule


def _rmsprop(momentum: float) -> Rule:
    def rule(weight: Any, gradient: Any, slots: Sequence[Any], rate: Any, number: Any) -> tuple[Any, list[Any]]:
        squares = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
        step = rate * gradient / tf.sqrt(squares + EPSILON)
        if momentum == 0:
            return weight - step, [squares]
        velocity = momentum * slots[1] + step
        return weight - velocity, [squares, velocity]

    return rule


def _adam(weight: Any, gradient: Any, slots: Sequence[Any], rate: Any, number: Any) -> tuple[Any, list[Any]]:
    mean = slots[0] + (gradient - slots[0]) * (1 - BETA_1)
    square = slots[1] + (tf.square(gradient) - slots[1]) * (1 - BETA_2)
    number = tf.cast(number, weight.dtype)
    beta_1, beta_2 = tf.cast(BETA_1, weight.dtype), tf.cast(BETA_2, weight.dtype)  # float32 first, as in Keras
    step = rate * tf.sqrt(1 - tf.pow(beta_2, number)) / (1 - tf.pow(beta_1, number))
    return weight - mean * step / (tf.sqrt(square) + EPSILON), [mean, square]
