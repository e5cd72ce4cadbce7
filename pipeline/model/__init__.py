"""The model stage: one file per architecture, found by its name.

An architecture is a file of this folder. It has a `Spec`, the rules of its section in conf/model, and a
`build(spec, n_inputs, n_outputs, output_activation)` that makes the Keras layers. Optional: a `SEARCHABLE`, if a search
can vary more than single keys; and a `start(network, lengths)`, if initial weights depend on which inputs form the
vector of one column. Nothing else names the architecture.
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

# The task decides the output layer (Bishop 2006, section 4.3.6). For classes the network ends in logits, and the loss
# and the exported model apply the activation, so that the cross-entropy is exact for large logits.
ACTIVATION_OF_TASK = {"regression": "linear", "binary": "sigmoid", "multiclass": "softmax"}


@dataclass(frozen=True)
class HiddenLayers:
    """How `search.depth` and `search.width` set the hidden layers of an architecture.

    Attributes:
        keys: Keys of the architecture's section that depth and width set.
        values: Takes the widths of the hidden layers in override syntax, first layer first, and returns the values of
            `keys` in override syntax.
        own_widths: Whether layers can differ in width (`search.width_of=layer`).
        fewest: Minimum number of widths that `values` takes.
    """

    keys: tuple[str, ...]
    values: Callable[[Sequence[str]], Mapping[str, str]]
    own_widths: bool = True
    fewest: int = 0


@dataclass(frozen=True)
class Searchable:
    """What a search can vary in an architecture apart from single keys of its section.

    Attributes:
        hidden_layers: How depth and width set the hidden layers; None if they cannot.
        tuned: Search space of `tune`, in the syntax of a sweep's command line; empty if `tune` leaves the architecture
            out.
        in_turn: Overrides that `tune` adds to its networks in turn, so that even the first few networks differ.
    """

    hidden_layers: HiddenLayers | None = None
    tuned: tuple[str, ...] = ()
    in_turn: tuple[tuple[str, ...], ...] = ((),)


def names() -> list[str]:
    """Returns the names of all architectures."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


@functools.cache
def spec(name: str) -> type[Section]:
    """Returns the rules of an architecture's section: its own keys, and those of numeric embeddings."""
    own = importlib.import_module(f"{__name__}.{name}").Spec
    return create_model("Spec", __base__=(own, Embeddings), __module__=own.__module__)


def searchable(name: str) -> Searchable:
    """Returns what an architecture declares for searches; an empty Searchable by default."""
    found: Searchable = getattr(importlib.import_module(f"{__name__}.{name}"), "SEARCHABLE", Searchable())
    return found


@dataclass(frozen=True)
class TrainingRows:
    """The rows that numeric embeddings are fitted on.

    Attributes:
        x: `(n_rows, n_inputs)`, scaled inputs.
        y: `(n_rows, n_outputs)`, scaled targets, or `(n_rows, 1)` class numbers.
        numbers: Positions of the numeric inputs.
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
        categories: Number of categories in each of the last inputs, which get learned embeddings.
        rows: Rows to fit numeric embeddings on; required unless `model.numeric_embedding` is `none`.

    Returns:
        A model from `(n_rows, n_inputs)` float32 to `(n_rows, n_outputs)`: scaled predictions, or logits for classes.
        If the architecture returns `(n_rows, n_members, n_outputs)`, the last layer averages its members.

    Raises:
        ConfigError: `model.output_activation` does not match the task.
        ValueError: Numeric embeddings are configured, but `rows` is None.
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
    """Returns the activation of the output layer: linear for classes, because the network ends in logits."""
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
    """Yields the layers in front of the architecture: categories, which are the last inputs, then numbers."""
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
