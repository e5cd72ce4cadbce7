"""A cache of compiled models: jobs of a sweep that differ only in values do not compile again."""

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
    """A compiled model, and the variables that hold its start values."""

    model: MultiStepModel
    values: Values

    def start_from(self, network: keras.Model, values: Values) -> None:
        """Resets the model to a new model of this network: weights, seeds, values and an empty optimizer state.

        Args:
            network: The network to copy from.
            values: Value of each variable, by name.
        """
        for state in self.model.optimizer.variables:
            state.assign(tf.zeros_like(state))
        variable_clone.start_from(self.model, network)
        for name, value in values.items():
            self.values[name].assign(value)


_idle: dict[str, CompiledModel] = {}  # oldest first
_lock = threading.Lock()


def any_idle() -> bool:
    """Whether any program is cached."""
    return bool(_idle)


def take(structure: str | None) -> CompiledModel | None:
    """Removes a program of this structure from the cache, so that only the caller uses it; None if there is none."""
    with _lock:
        return _idle.pop(structure, None) if structure else None


def give_back(structure: str | None, program: CompiledModel) -> None:
    """Caches a program for the next job; a full cache drops its oldest.

    Args:
        structure: Key of the program; None for a program that cannot be shared.
        program: The program.
    """
    if structure is None:
        return
    with _lock:
        _idle.pop(structure, None)
        _idle[structure] = program
        if len(_idle) > MAX_IDLE:
            del _idle[next(iter(_idle))]
