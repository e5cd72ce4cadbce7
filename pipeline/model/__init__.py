"""The model stage: one file per architecture, found by its name.

An architecture is a file of this folder with a `Spec`, the rules of its section in conf/model, and a
`build(spec, n_inputs, n_outputs, output_activation)` that makes the Keras layers; where a search may vary more of it
than single keys, also with a `SEARCHABLE`. Nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    import keras

    from pipeline.schema import Section

# The output layer follows from the task (Bishop 2006, section 4.3.6). For classes the network ends in logits, and
# the loss and the exported model apply the activation: that keeps the cross-entropy exact for large logits.
ACTIVATION_OF_TASK = {"regression": "linear", "binary": "sigmoid", "multiclass": "softmax"}


@dataclass(frozen=True)
class HiddenLayers:
    """What `sweep.depth` and `sweep.width` stand for in an architecture: so many hidden layers, so wide.

    Attributes:
        keys: Of the architecture's section, those that follow from the two.
        values: Takes the width of each hidden layer, as an override writes it, the first layer's first; gives the
            values of `keys`, as an override writes them.
        own_widths: Whether each layer can have a width of its own (`sweep.width_of=layer`).
        fewest: How many there are at least: `values` is given as many widths.
    """

    keys: tuple[str, ...]
    values: Callable[[Sequence[str]], Mapping[str, str]]
    own_widths: bool = True
    fewest: int = 0


@dataclass(frozen=True)
class Searchable:
    """What a search may vary of an architecture beside the single keys of its section."""

    hidden_layers: HiddenLayers | None = None


def names() -> list[str]:
    """Names of all architectures."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


def spec(name: str) -> type[Section]:
    """The rules of one architecture's section."""
    return importlib.import_module(f"{__name__}.{name}").Spec


def searchable(name: str) -> Searchable:
    """What one architecture declares for searches; nothing unless its file does."""
    found: Searchable = getattr(importlib.import_module(f"{__name__}.{name}"), "SEARCHABLE", Searchable())
    return found


def build(section: Any, *, task: str, n_inputs: int, n_outputs: int, categories: Sequence[int] = ()) -> keras.Model:
    """Builds the network of a checked model section.

    Args:
        section: The architecture's Spec.
        task: `regression`, `binary` or `multiclass`.
        n_inputs: Preprocessed inputs per row.
        n_outputs: Targets of a regression, 1 for two classes, else the number of classes.
        categories: How many there are in each of the last inputs, which get learned embeddings.

    Returns:
        A model from `(n_rows, n_inputs)` float32 to `(n_rows, n_outputs)`: scaled predictions, or logits for classes.

    Raises:
        ConfigError: `model.output_activation` does not go with the task.
    """
    expected = ACTIVATION_OF_TASK[task]
    activation = expected if section.output_activation == "auto" else section.output_activation
    if task != "regression":
        if activation != expected:
            raise ConfigError(
                f"model.output_activation: {activation} does not go with a {task} task; use auto or {expected}"
            )
        activation = "linear"
    elif activation == "softmax":
        raise ConfigError("model.output_activation: softmax is for classes; a regression takes auto or linear")
    architecture = importlib.import_module(f"{__name__}.{section.name}")
    if not categories:
        return architecture.build(section, n_inputs=n_inputs, n_outputs=n_outputs, output_activation=activation)
    from keras import Input, Model

    from pipeline.model.layers.embedding import CategoryEmbeddings

    inputs = Input((n_inputs,), name="x")
    embedded = CategoryEmbeddings(categories, name="embeddings")(inputs)
    network = architecture.build(section, n_inputs=embedded.shape[1], n_outputs=n_outputs, output_activation=activation)
    return Model(inputs, network(embedded), name=f"embedded_{network.name}")
