"""The state that training resumes from: of the model, its optimizer and the callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pipeline.errors import TrainingError
from pipeline.fit.checkpoint.file import Checkpoint

# Attributes that Keras's callbacks carry from epoch to epoch, apart from the best weights.
REMEMBERED: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
}


def values_of(variables: Sequence[Any]) -> list[np.ndarray]:
    """Copies the values of variables; mirrored variables give the first replica's."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def best_weights(callbacks: Sequence[keras.callbacks.Callback]) -> list[np.ndarray] | None:
    """Returns the weights of the best epoch; None without early stopping."""
    stoppers = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    return stoppers[0].best_weights if stoppers else None


def remembered(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, dict[str, Any]]:
    """Returns the state of callbacks as JSON values, by class name."""
    return {
        kind.__name__: {name: _plain(getattr(callback, name)) for name in names}
        for kind, names in REMEMBERED.items()
        for callback in callbacks
        if isinstance(callback, kind)
    }


def restore(model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], checkpoint: Checkpoint) -> None:
    """Restores a compiled model, its optimizer and callbacks; call it after training has begun.

    Args:
        model: The compiled model.
        callbacks: Its callbacks.
        checkpoint: The state to restore.

    Raises:
        TrainingError: The checkpoint belongs to another network.
    """
    assign(model.variables, checkpoint.weights)
    assign(model.optimizer.variables, checkpoint.optimizer)
    for kind, names in REMEMBERED.items():
        known = checkpoint.callbacks.get(kind.__name__, {})
        for callback in callbacks:
            if isinstance(callback, kind):
                for name in set(names) & set(known):
                    setattr(callback, name, known[name])
                if kind is keras.callbacks.EarlyStopping:
                    callback.best_weights = checkpoint.best


def assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Assigns the result of `values_of` to the variables of a model or an optimizer.

    Args:
        variables: The variables.
        values: A value for each of them.

    Raises:
        TrainingError: Number or shapes differ.
    """
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [value.shape for value in values]:
        raise TrainingError("the checkpoint belongs to another network; start over with fit.resume=off")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
