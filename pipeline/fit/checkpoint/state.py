"""All that training goes on from: what the model, its optimizer and the callbacks know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pipeline.errors import TrainingError
from pipeline.fit.checkpoint.file import Checkpoint

# What Keras's callbacks remember from epoch to epoch, but for the best weights.
REMEMBERED: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
}


def values_of(variables: Sequence[Any]) -> list[np.ndarray]:
    """Copies of what variables hold, of replicas that of the first."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def best_weights(callbacks: Sequence[keras.callbacks.Callback]) -> list[np.ndarray] | None:
    """Those of the best epoch, where the stopper keeps them."""
    stoppers = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    return stoppers[0].best_weights if stoppers else None


def remembered(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, dict[str, Any]]:
    """What callbacks remember, as JSON can hold it."""
    return {
        kind.__name__: {name: _plain(getattr(callback, name)) for name in names}
        for kind, names in REMEMBERED.items()
        for callback in callbacks
        if isinstance(callback, kind)
    }


def restore(model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], checkpoint: Checkpoint) -> None:
    """Makes a compiled model, its optimizer and callbacks what they were; to be called when training has begun.

    Raises:
        TrainingError: The checkpoint is of another network.
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
    """Gives a model's or an optimizer's variables what `values_of` them was.

    Raises:
        TrainingError: They are others.
    """
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [value.shape for value in values]:
        raise TrainingError("the checkpoint is of another network: fit.resume=off begins anew")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
