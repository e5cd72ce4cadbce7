"""TabM: many networks that share most weights and train as one (Gorishniy, Kotelnikov and Babenko 2025)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipeline.model import HiddenLayers, Searchable
from pipeline.model.dense import Activation
from pipeline.model.embeddings import UNLIKE
from pipeline.schema import NonNegativeFloat, PositiveInt, Rate, Section

if TYPE_CHECKING:
    import keras

SEARCHABLE = Searchable(
    HiddenLayers(("units",), lambda widths: {"units": f"[{','.join(widths)}]"}, fewest=1),
    tuned=(
        "model.members=8,16",
        "model.units=[128,128],[192,192],[256],[256,256],[192,192,192]",
        "model.dropout=0,0.05,0.1,0.2",
        "fit.learning_rate=tag(log,interval(1e-3,5e-3))",
        "fit.weight_decay=tag(log,interval(1e-4,1e-1))",
    ),
    in_turn=UNLIKE,
)


class Spec(Section):
    """Rules of conf/model/tabm.yaml."""

    name: Literal["tabm"]
    members: PositiveInt
    sharing: Literal["mini", "full", "packed"]
    units: list[PositiveInt]
    activation: Activation
    output_activation: Literal["auto", "linear", "sigmoid", "softmax", "relu", "tanh", "softplus"]
    dropout: Rate
    l2: NonNegativeFloat
    member_batches: Literal["shared", "own"]


def build(spec: Spec, *, n_inputs: int, n_outputs: int, output_activation: str) -> keras.Model:
    """Builds the members; the outputs are `(n_rows, n_members, n_outputs)`.

    With `mini` each member scales the inputs by its own weights, and all hidden layers are shared. With `full` each
    member also scales the inputs and outputs of the hidden layers. With `packed` nothing is shared.

    Args:
        spec: The model section.
        n_inputs: Inputs per row.
        n_outputs: Outputs of each member per row.
        output_activation: Activation of the output layer.
    """
    from keras import Input, Model, initializers, layers

    from pipeline.model.layers.stacked_members import MemberInputs, MemberOutputs

    hidden = {"mini": _shared, "full": _adapted, "packed": _apart}[spec.sharing]
    own = None if spec.sharing == "packed" else initializers.RandomNormal(stddev=1.0)
    x = inputs = Input((n_inputs,), name="x")
    x = MemberInputs(spec.members, own, own_rows=spec.member_batches == "own", name="members")(x)
    for layer, units in enumerate(spec.units):
        x = hidden(spec, layer, units, x)
        x = layers.Activation(spec.activation, name=f"activation_{layer}")(x)
        if spec.dropout:
            x = layers.Dropout(spec.dropout, name=f"dropout_{layer}")(x)
    outputs = MemberOutputs(spec.members, n_outputs, activation=output_activation, name="output")(x)
    return Model(inputs, outputs, name="tabm")


def start(network: keras.Model, lengths: Sequence[int]) -> None:
    """Initializes a member's scales with one value for the vector of each column, as the paper's package does.

    Args:
        network: The result of `build`.
        lengths: Length of each column's vector, in the order of the inputs.
    """
    network.get_layer("members").start_by_vector(lengths)


def _shared(spec: Spec, layer: int, units: int, x: Any) -> Any:
    return _dense(spec, layer, units, x, use_bias=True)


def _adapted(spec: Spec, layer: int, units: int, x: Any) -> Any:
    from pipeline.model.layers.stacked_members import MemberScale

    if layer:  # the first layer's inputs are already scaled by `MemberInputs`
        x = MemberScale(spec.members, use_bias=False, name=f"before_{layer}")(x)
    x = _dense(spec, layer, units, x, use_bias=False)
    return MemberScale(spec.members, use_bias=True, name=f"after_{layer}")(x)


def _apart(spec: Spec, layer: int, units: int, x: Any) -> Any:
    from pipeline.model.layers.stacked_members import MemberDense

    return MemberDense(spec.members, units, name=f"dense_{layer}")(x)


def _dense(spec: Spec, layer: int, units: int, x: Any, use_bias: bool) -> Any:
    """Makes a layer that all members share, with PyTorch's initialization, so that the paper's learning rates apply."""
    from keras import layers, regularizers

    from pipeline.model.layers.initializers import uniform

    return layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=uniform(x.shape[-1]),
        bias_initializer=uniform(x.shape[-1]),
        kernel_regularizer=regularizers.L2(spec.l2) if spec.l2 else None,
        name=f"dense_{layer}",
    )(x)
