"""One contract for all architectures, found by themselves, and what is particular to the dense one."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import ConfigError, load, model
from pipeline.config import CONF
from pipeline.model.dense import Activation, Initializer

pytestmark = pytest.mark.slow

FILES = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if path.stem != "base")


def built(*overrides: str, task: str = "regression", n_outputs: int = 2) -> keras.Model:
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(1).normal(size=(60, 5)).astype(np.float32)
    rows = model.TrainingRows(x, x[:, :1], range(5))
    section = load("data.task=auto", *overrides).model
    return model.build(section, task=task, n_inputs=5, n_outputs=n_outputs, rows=rows)


def layers(network: keras.Model, kind: type) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_every_architecture_has_a_file_of_its_name() -> None:
    assert set(model.names()) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("task", "n_outputs"), [("regression", 3), ("binary", 1), ("multiclass", 4)])
def test_contract(name: str, task: str, n_outputs: int) -> None:
    network = built(f"model={name}", task=task, n_outputs=n_outputs)
    x = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    y = network(x)
    assert (y.shape, y.dtype) == ((7, n_outputs), tf.float32)
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(y, network(x))  # in inference nothing is left to chance
    again = built(f"model={name}", task=task, n_outputs=n_outputs)
    np.testing.assert_array_equal(y, again(x))  # the seed decides the initial weights
    network.compile(loss="mse", run_eagerly=True)  # what a graph makes of it is the story's
    network.train_on_batch(x, np.zeros((7, n_outputs)))
    assert not np.array_equal(y, network(x))


@pytest.mark.parametrize("name", FILES)
def test_unknown_key_of_an_architecture(name: str) -> None:
    with pytest.raises(ConfigError, match=r"model.unitz: unknown key"):
        load(f"model={name}", "+model.unitz=3")


@pytest.mark.parametrize("units", [[], [1], [7], [3, 2, 4, 5, 6, 2]])
def test_any_depth_and_width(units: list[int]) -> None:
    network = built(f"model.units={units}")
    assert [layer.units for layer in layers(network, keras.layers.Dense)] == [*units, 2]


def test_no_hidden_layer_is_the_linear_model() -> None:
    network = built("model=linear")
    kernel, bias = network.get_weights()
    x = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    np.testing.assert_allclose(network(x), x @ kernel + bias, rtol=1e-5)


def test_one_value_per_layer() -> None:
    network = built(
        "model.units=[8,4]", "model.activation=[tanh,relu]", "model.dropout=[0.5,0]", "model.batch_norm=[false,true]",
        "model.initializer=[zeros,he_uniform]", "model.l1=[0.1,0]", "model.l2=[0,0.2,0.3]",
    )  # fmt: skip
    first, second, output = layers(network, keras.layers.Dense)
    assert [layer.activation.__name__ for layer in layers(network, keras.layers.Activation)] == ["tanh", "relu"]
    assert [layer.rate for layer in layers(network, keras.layers.Dropout)] == [0.5]
    assert len(layers(network, keras.layers.BatchNormalization)) == 1
    assert not first.kernel.numpy().any()
    assert (float(first.kernel_regularizer.l1), second.kernel_regularizer.l2) == (
        pytest.approx(0.1),
        pytest.approx(0.2),
    )
    assert output.kernel_regularizer.l2 == pytest.approx(0.3)
    assert type(output.kernel_initializer).__name__ == "GlorotUniform"


@pytest.mark.parametrize("activation", Activation.__args__)
def test_every_activation_exists(activation: str) -> None:
    assert np.isfinite(built(f"model.activation={activation}")(np.ones((2, 5)))).all()


@pytest.mark.parametrize("initializer", Initializer.__args__)
def test_every_initializer_exists(initializer: str) -> None:
    assert np.isfinite(built(f"model.initializer={initializer}")(np.ones((2, 5)))).all()


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [("glorot_normal", np.sqrt(2 / (400 + 200))), ("he_normal", np.sqrt(2 / 400)), ("lecun_normal", np.sqrt(1 / 400))],
)
def test_xavier_and_he_deviations(initializer: str, deviation: float) -> None:
    spec = load("model.units=[200]", f"model.initializer={initializer}").model
    network = model.build(spec, task="regression", n_inputs=400, n_outputs=1)
    assert network.get_weights()[0].std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize(
    ("task", "activation", "message"),
    [
        ("binary", "softmax", "softmax does not go with a binary task; use auto or sigmoid"),
        ("multiclass", "linear", "linear does not go with a multiclass task; use auto or softmax"),
        ("regression", "softmax", "softmax is for classes"),
    ],
)
def test_output_activation_must_suit_the_task(task: str, activation: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"model.output_activation: {message}"):
        built(f"model.output_activation={activation}", task=task, n_outputs=1 if task == "binary" else 3)
