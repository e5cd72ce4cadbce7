"""Residual blocks that normalize first (He et al. 2016; for tables, Gorishniy et al. 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pipeline.model import HiddenLayers, Searchable
from pipeline.model.dense import Activation
from pipeline.schema import NonNegativeFloat, PositiveInt, Rate, Section

if TYPE_CHECKING:
    import keras

SEARCHABLE = Searchable(
    HiddenLayers(
        ("blocks", "width"), lambda widths: {"blocks": str(len(widths)), "width": widths[0]}, own_widths=False, fewest=1
    )
)


class Spec(Section):
    """Rules of conf/model/residual.yaml."""

    name: Literal["residual"]
    blocks: PositiveInt
    width: PositiveInt
    expansion: PositiveInt
    normalization: Literal["batch", "layer", "none"]
    activation: Activation
    output_activation: Literal["auto", "linear", "sigmoid", "softmax", "relu", "tanh", "softplus"]
    dropout: Rate
    l2: NonNegativeFloat


def build(spec: Spec, *, n_inputs: int, n_outputs: int, output_activation: str) -> keras.Model:
    """Builds a layer of `width` units, residual blocks, a final normalization and activation, and the output layer.

    A block is normalization, Dense to `expansion` times the width, activation, dropout, and Dense back to the width.

    Args:
        spec: The model section.
        n_inputs: Inputs per row.
        n_outputs: Outputs per row.
        output_activation: Activation of the output layer.
    """
    from keras import Input, Model, layers

    x = inputs = Input((n_inputs,), name="x")
    x = _dense(spec, spec.width, "stem")(x)
    for block in range(spec.blocks):
        inner = _normalized(spec, x, f"normalization_{block}")
        inner = _dense(spec, spec.expansion * spec.width, f"expand_{block}", initializer="he_normal")(inner)
        inner = layers.Activation(spec.activation, name=f"activation_{block}")(inner)
        if spec.dropout:
            inner = layers.Dropout(spec.dropout, name=f"dropout_{block}")(inner)
        x = layers.Add(name=f"add_{block}")([x, _dense(spec, spec.width, f"reduce_{block}")(inner)])
    x = layers.Activation(spec.activation, name="activation")(_normalized(spec, x, "normalization"))
    return Model(inputs, layers.Dense(n_outputs, activation=output_activation, name="output")(x), name="residual")


def _dense(spec: Spec, units: int, name: str, initializer: str = "glorot_uniform") -> Any:
    from keras import layers, regularizers

    penalty = regularizers.L2(spec.l2) if spec.l2 else None
    return layers.Dense(units, kernel_initializer=initializer, kernel_regularizer=penalty, name=name)


def _normalized(spec: Spec, x: Any, name: str) -> Any:
    from keras import layers

    if spec.normalization == "batch":
        return layers.BatchNormalization(synchronized=True, name=name)(x)
    return layers.LayerNormalization(name=name)(x) if spec.normalization == "layer" else x
