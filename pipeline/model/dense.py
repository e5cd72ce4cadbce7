"""The feedforward network: a stack of Dense layers (Goodfellow, Bengio and Courville 2016, chapter 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from pipeline.model import HiddenLayers, Searchable
from pipeline.model.embeddings import UNLIKE
from pipeline.schema import NonNegativeFloat, PositiveInt, Rate, Section

if TYPE_CHECKING:
    import keras

Activation = Literal[
    "relu", "sigmoid", "tanh", "gelu", "silu", "selu", "mish", "elu", "leaky_relu", "softplus", "softsign", "linear"
]
Initializer = Literal[
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal", "zeros"
]


SEARCHABLE = Searchable(
    HiddenLayers(("units",), lambda widths: {"units": f"[{','.join(widths)}]"}),
    tuned=(
        "fit=adamw",
        "model.units=[128,128],[256],[256,256],[256,256,256]",
        "model.dropout=0,0.05,0.1,0.2",
        "fit.learning_rate=tag(log,interval(1e-3,5e-3))",
        "fit.weight_decay=tag(log,interval(1e-4,1e-1))",
    ),
    in_turn=UNLIKE,
)


class Spec(Section):
    """Rules of conf/model/dense.yaml."""

    name: Literal["dense"]
    units: list[PositiveInt]
    activation: Activation | list[Activation]
    output_activation: Literal["auto", "linear", "sigmoid", "softmax", "relu", "tanh", "softplus"]
    initializer: Initializer | list[Initializer]
    dropout: Rate | list[Rate]
    batch_norm: bool | list[bool]
    l1: NonNegativeFloat | list[NonNegativeFloat]
    l2: NonNegativeFloat | list[NonNegativeFloat]

    @model_validator(mode="after")
    def _one_value_per_layer(self) -> Self:
        depth = len(self.units)
        for key in ("activation", "dropout", "batch_norm"):
            value = getattr(self, key)
            if isinstance(value, list) and len(value) != depth:
                raise ValueError(f"{key}: {len(value)} values for the {depth} layers of model.units")
        for key in ("initializer", "l1", "l2"):
            value = getattr(self, key)
            if isinstance(value, list) and len(value) not in (depth, depth + 1):
                raise ValueError(
                    f"{key}: {len(value)} values for the {depth} layers of model.units (or {depth + 1} with the output)"
                )
        return self


def build(spec: Spec, *, n_inputs: int, n_outputs: int, output_activation: str) -> keras.Model:
    """Builds Dense, BatchNormalization, activation and Dropout for each hidden layer, and the output layer.

    Normalization comes before the activation (Ioffe and Szegedy 2015, section 3.2), where its offset makes the bias of
    the preceding Dense layer redundant.

    Args:
        spec: The model section.
        n_inputs: Inputs per row.
        n_outputs: Outputs per row.
        output_activation: Activation of the output layer.
    """
    from keras import Input, Model, layers, regularizers

    depth = len(spec.units)
    initializers = _with_output(spec.initializer, depth, "glorot_uniform")
    l1s, l2s = _with_output(spec.l1, depth, 0.0), _with_output(spec.l2, depth, 0.0)
    normalized, dropouts = _per_layer(spec.batch_norm, depth), _per_layer(spec.dropout, depth)
    activations = _per_layer(spec.activation, depth)

    def dense(layer: int, units: int, **kwargs: Any) -> layers.Dense:
        penalty = regularizers.L1L2(l1s[layer], l2s[layer]) if l1s[layer] or l2s[layer] else None
        return layers.Dense(units, kernel_initializer=initializers[layer], kernel_regularizer=penalty, **kwargs)

    x = inputs = Input((n_inputs,), name="x")
    for layer, units in enumerate(spec.units):
        x = dense(layer, units, use_bias=not normalized[layer], name=f"dense_{layer}")(x)
        if normalized[layer]:
            # Without statistics over all replicas each replica normalizes by its own rows, and the replicas diverge.
            x = layers.BatchNormalization(synchronized=True, name=f"batch_norm_{layer}")(x)
        x = layers.Activation(activations[layer], name=f"activation_{layer}")(x)
        if dropouts[layer]:
            x = layers.Dropout(dropouts[layer], name=f"dropout_{layer}")(x)
    return Model(inputs, dense(depth, n_outputs, activation=output_activation, name="output")(x), name="dense")


def _per_layer(value: Any, depth: int) -> list[Any]:
    return value if isinstance(value, list) else [value] * depth


def _with_output(value: Any, depth: int, default: Any) -> list[Any]:
    """Returns one value per layer, output last; a list of `depth` values leaves the output layer at its default."""
    values = _per_layer(value, depth + 1)
    return values if len(values) > depth else [*values, default]
