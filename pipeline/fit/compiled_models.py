"""Compiled models that wait to be used again: the jobs of a sweep that differ in values only compile nothing anew."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import keras
import tensorflow as tf

from pipeline.fit import variable_clone
from pipeline.fit.compile import Values
from pipeline.fit.multi_step_model import MultiStepModel

MAX_IDLE = 8  # each holds weights, the optimizer's state and compiled code


@dataclass(frozen=True)
class CompiledModel:
    """A compiled model and where the values lie that it is started with."""

    model: MultiStepModel
    values: Values

    def start_from(self, network: keras.Model, values: Values) -> None:
        """Makes it what a new model of this network would be: weights, seeds, values; the optimizer knows nothing."""
        for state in self.model.optimizer.variables:
            state.assign(tf.zeros_like(state))
        variable_clone.start_from(self.model, network)
        for name, value in values.items():
            self.values[name].assign(value)


_idle: dict[str, CompiledModel] = {}  # the longest idle first
_lock = threading.Lock()


def any_idle() -> bool:
    """Whether there are programs that wait."""
    return bool(_idle)


def take(structure: str | None) -> CompiledModel | None:
    """An idle program of this structure, which is the taker's alone until it is given back."""
    with _lock:
        return _idle.pop(structure, None) if structure else None


def give_back(structure: str | None, program: CompiledModel) -> None:
    """Keeps a program for the next job; the one that has been idle longest makes room."""
    if structure is None:
        return
    with _lock:
        _idle.pop(structure, None)
        _idle[structure] = program
        if len(_idle) > MAX_IDLE:
            del _idle[next(iter(_idle))]
