"""The model stage: one file per architecture, found by its name.

An architecture is a file of this folder with a `Spec`, the rules of its section in conf/model, and a
`build(spec, n_inputs, n_outputs, output_activation)` that makes the Keras layers; where a search may vary more of it
than single keys, also with a `SEARCHABLE`; and where its weights start by which of its inputs are the vector of one
column, with a `start(network, lengths)`. Nothing else names it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from pipeline.errors import ConfigError
from pipeline.model.embeddings import Embeddings

if TYPE_CHECKING:
    import keras
    import numpy as np

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
    """What a search may vary of an architecture beside the single keys of its section.

    Attributes:
        hidden_layers: What depth and width stand for.
        tuned: What `tune` draws networks from, as a sweep's command line would have it; none of an architecture that
            it leaves out.
        in_turn: To be added to these, of one network the first, of the next the second, and so on: what makes networks
            unlike, so that the first few are so already.
    """

    hidden_layers: HiddenLayers | None = None
    tuned: tuple[str, ...] = ()
    in_turn: tuple[tuple[str, ...], ...] = ((),)


def names() -> list[str]:
    """Names of all architectures."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


@functools.cache
def spec(name: str) -> type[Section]:
    """The rules of one architecture's section: its own keys, and those of the embeddings of numbers."""
    own = importlib.import_module(f"{__name__}.{name}").Spec
    return create_model("Spec", __base__=(own, Embeddings), __module__=own.__module__)


def searchable(name: str) -> Searchable:
    """What one architecture declares for searches; nothing unless its file does."""
    found: Searchable = getattr(importlib.import_module(f"{__name__}.{name}"), "SEARCHABLE", Searchable())
    return found


@dataclass(frozen=True)
class TrainingRows:
    """What an embedding of numbers is fitted on.

    Attributes:
        x: `(n_rows, n_inputs)`, scaled inputs.
        y: `(n_rows, n_outputs)`, scaled targets, or `(n_rows, 1)` numbers of classes.
        numbers: Positions of the inputs that are numbers.
    """

    x: np.ndarray
    y: np.ndarray
    numbers: Sequence[int]


def build(
    section: Any,
    *,
    task: str,
    n_inputs: int,
    n_outputs: int,
    categories: Sequence[int] = (),
    rows: TrainingRows | None = None,
) -> keras.Model:
    """Builds the network of a checked model section.

    Args:
        section: The architecture's Spec.
        task: `regression`, `binary` or `multiclass`.
        n_inputs: Preprocessed inputs per row.
        n_outputs: Targets of a regression, 1 for two classes, else the number of classes.
        categories: How many there are in each of the last inputs, which get learned embeddings.
        rows: On which embeddings of numbers are fitted; needed where `model.numeric_embedding` asks for some.

    Returns:
        A model from `(n_rows, n_inputs)` float32 to `(n_rows, n_outputs)`: scaled predictions, or logits for classes.
        Where an architecture gives `(n_rows, n_members, n_outputs)`, the last layer averages its members.

    Raises:
        ConfigError: `model.output_activation` does not go with the task.
        ValueError: Embeddings of numbers are asked for, but no rows are given.
    """
    from keras import Input, Model

    x = inputs = Input((n_inputs,), name="x")
    lengths = [1] * n_inputs
    for embedding in _embeddings(section, task, categories, rows):
        x, lengths = embedding(x), embedding.lengths(lengths)
    architecture = importlib.import_module(f"{__name__}.{section.name}")
    activation = _output_activation(section, task)
    network = architecture.build(section, n_inputs=x.shape[1], n_outputs=n_outputs, output_activation=activation)
    if hasattr(architecture, "start"):
        architecture.start(network, lengths)
    if len(network.output_shape) == 2:
        return network if x is inputs else Model(inputs, network(x), name=f"embedded_{network.name}")
    from pipeline.model.layers.stacked_members import MeanOfMembers

    return Model(inputs, MeanOfMembers(task, name="mean")(network(x)), name=f"mean_of_{network.name}")


def _output_activation(section: Any, task: str) -> str:
    """Of the output layer, which for classes ends in logits."""
    expected = ACTIVATION_OF_TASK[task]
    activation: str = expected if section.output_activation == "auto" else section.output_activation
    if task == "regression":
        if activation == "softmax":
            raise ConfigError("model.output_activation: softmax is for classes; a regression takes auto or linear")
        return activation
    if activation != expected:
        raise ConfigError(
            f"model.output_activation: {activation} does not go with a {task} task; use auto or {expected}"
        )
    return "linear"


def _embeddings(section: Any, task: str, categories: Sequence[int], rows: TrainingRows | None) -> Iterator[Any]:
    """The layers in front of the architecture; categories, which come last in the inputs, first."""
    if categories:
        from pipeline.model.layers.embedding import CategoryEmbeddings

        yield CategoryEmbeddings(categories, name="embeddings")
    if section.numeric_embedding != "none":
        if rows is None:
            raise ValueError(f"rows: model.numeric_embedding={section.numeric_embedding} is fitted on training rows")
        from pipeline.model.embeddings.fit import embedding_of

        embedding = embedding_of(section, rows.numbers, rows.x, rows.y, task)
        if embedding is not None:
            yield embedding
