"""Every activation of Keras, all that a config may name among them, in LiteRT and ONNX files: up to 1e9 from 0."""

import itertools
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from pipeline import data, export, load
from pipeline.model.dense import Activation, Spec
from support.exported_files import BY_FORMAT

SIZES = np.concatenate([np.geomspace(1e-6, 1e9, 200), [88.0, 88.72, 89.0, 100.0, 5013.0]])
FAR = np.concatenate([-SIZES, [0.0], SIZES])
NO_ACTIVATIONS = {"deserialize", "get", "serialize"}
OTHER_WIDTH = {"glu"}  # which gives half as many outputs as it has inputs
EVERY = {
    name: getattr(keras.activations, name)
    for name in dir(keras.activations)
    if name[0] != "_" and name not in NO_ACTIVATIONS | OTHER_WIDTH
} | {"gelu by tanh": lambda x: keras.activations.gelu(x, approximate=True),
     "threshold": lambda x: keras.activations.threshold(x, 0.5, 0.0)}  # fmt: skip
CANCELS = {"squareplus"}  # x + sqrt(x² + 4): for a large negative x no digit of it is left in float32
QUICK = {("softplus", "litert"), ("gelu", "onnx")}  # which these do not have


def test_a_config_names_none_but_these() -> None:
    of_outputs = Spec.model_fields["output_activation"].annotation.__args__
    assert {*Activation.__args__, *of_outputs} <= {*EVERY, "auto"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow)
        for case in itertools.product(EVERY, BY_FORMAT)
    ],
)
def test_an_activation(table: Callable[..., Path], tmp_path: Path, name: str, kind: str) -> None:
    save(tmp_path / "m", table(a=np.linspace(-3, 3, 60), y=np.linspace(0, 1, 60), z=np.linspace(0, 1, 60)), EVERY[name])
    found = BY_FORMAT[kind](tmp_path / "m", {"a": FAR})["prediction"]
    seen = FAR[:, np.newaxis] * [1.0, -0.5]
    exact = EVERY[name](tf.constant(seen)).numpy()
    own = EVERY[name](tf.constant(seen, tf.float32)).numpy()  # in a type that has no digits left for some of them
    there = np.abs(exact) < 1e38  # an exponential ends where float32 does
    own, found, exact = (np.where(there, values, 0) for values in (own, found, exact))
    blur = ndimage.maximum_filter1d(np.abs(own - exact), size=9, axis=0)  # by chance it is 0 at one number
    size = np.maximum(1, np.abs(seen if name in CANCELS else exact))
    wrong = ~(np.abs(found - exact) <= export.TOLERANCE * size + 10 * blur)
    assert not wrong.any(), list(zip(seen[wrong], found[wrong], exact[wrong], strict=True))[:5]


def save(folder: Path, path: Path, activation: Callable[[tf.Tensor], tf.Tensor]) -> None:
    """A model whose outputs are the activation of the input itself, and of -1/2 times it."""
    config = load("data=plain_table", f"data.path={path}", "data.target=[y,z]", "data.input_scaling=none",
                  "data.output_scaling=none", "model=linear")  # fmt: skip
    rows = data.read_rows(config.data)
    inputs = keras.Input((1,), name="x")
    dense = keras.layers.Dense(2)
    network = keras.Model(inputs, keras.layers.Activation(activation)(dense(inputs)))
    dense.set_weights([np.array([[1, -0.5]]), np.zeros(2)])
    export.save(export.assemble(rows, data.fit_preprocessing(rows, config.data), network), folder)
