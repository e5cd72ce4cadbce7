"""Embeddings of numbers: their formulas, and where they stand in front of a network."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import load, model
from pipeline.model.embeddings.edges import quantile_edges
from pipeline.model.embeddings.fit import embedding_of
from pipeline.model.layers.numbers import Cosine, NumberEmbeddings, Periodic, PiecewiseLinear

X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
EDGES = [[-1.0, 0.0, 2.0], [-2.0, 2.0]]
SHARING = ("mini", "full", "packed")
LAYERS = {
    "piecewise_linear": lambda: PiecewiseLinear([1, 3], 5, EDGES),
    "periodic": lambda: Periodic([1, 3], 5, 6, 0.5),
    "cosine": lambda: Cosine([1, 3], 5, 0.5),
}


def filled(layer: NumberEmbeddings) -> NumberEmbeddings:
    """With weights that are not at their start, which for some is 0."""
    layer(X)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def test_piecewise_linear_is_a_line_and_the_share_of_each_bin() -> None:
    layer = filled(LAYERS["piecewise_linear"]())
    slopes, biases, bins = layer.get_weights()
    found = np.asarray(layer(X))
    np.testing.assert_array_equal(found[:, :2], X[:, [0, 2]])
    for place, (column, edges) in enumerate(zip([1, 3], EDGES, strict=True)):
        x = X[:, column, None]
        expected = x * slopes[place] + biases[place]
        for number, (low, high) in enumerate(itertools.pairwise(edges)):
            expected = expected + np.clip((x - low) / (high - low), 0, 1) * bins[place, number]
        start = 2 + 5 * place
        np.testing.assert_allclose(found[:, start : start + 5], expected, rtol=1e-4, atol=1e-5)


def test_periodic_and_cosine() -> None:
    layer = filled(LAYERS["periodic"]())
    frequencies, phases, kernel, biases = layer.get_weights()
    x = X[:, 3, None]
    waves = np.cos(2 * np.pi * (x * frequencies[1] + phases[1]))
    expected = np.maximum(np.hstack([x, waves]) @ kernel[1] + biases[1], 0)
    np.testing.assert_allclose(np.asarray(layer(X))[:, -5:], expected, rtol=1e-4, atol=1e-4)
    layer = filled(LAYERS["cosine"]())
    frequencies, phases, scales, biases = layer.get_weights()
    waves = np.cos(2 * np.pi * (x * frequencies[1] + phases[1]))
    expected = np.hstack([x, waves]) * scales[1] + biases[1]
    np.testing.assert_allclose(np.asarray(layer(X))[:, -5:], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_a_copy_by_its_config_does_the_same(name: str) -> None:
    layer = filled(LAYERS[name]())
    copy = type(layer).from_config(layer.get_config())
    copy(X)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(X), copy(X))


@pytest.mark.parametrize("name", ["piecewise_linear", "target_bins", "periodic", "cosine"])
@pytest.mark.parametrize("architecture", ["dense", "residual", "tabm"])
def test_every_architecture_takes_every_embedding_and_has_it_learn(architecture: str, name: str) -> None:
    """A layer of relu whose inputs and biases are all 0 gives 0 and passes no gradient on: it would stay so."""
    section = load("data.task=auto", f"model={architecture}", f"model.numeric_embedding={name}").model
    rows = model.TrainingRows(X, X[:, :1] ** 2, (0, 1, 2, 3))
    network = model.build(section, task="regression", n_inputs=4, n_outputs=1, rows=rows)
    assert network(X).shape == (300, 1)
    (numbers,) = [layer for layer in network.layers if isinstance(layer, NumberEmbeddings)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(network(X) - X[:, :1]))
    gradients = tape.gradient(loss, numbers.trainable_variables)
    assert max(np.abs(gradient).max() for gradient in gradients if gradient is not None) > 0


def test_two_valued_numbers_and_categories_are_left_alone() -> None:
    x = np.column_stack([X[:, 0], X[:, 1] > 0, np.arange(300) % 3]).astype(np.float32)
    section = load("data.task=auto", "model.numeric_embedding=piecewise_linear", "model.embedding_width=6").model
    rows = model.TrainingRows(x, x[:, :1], (0, 1))
    network = model.build(section, task="regression", n_inputs=3, n_outputs=1, categories=(3,), rows=rows)
    (numbers,) = [layer for layer in network.layers if isinstance(layer, PiecewiseLinear)]
    assert numbers.columns == [0]
    np.testing.assert_allclose(numbers.edges[0], quantile_edges(x[:, 0], None), rtol=1e-6)
    embedded: Any = keras.Model(network.input, numbers.output)(x)
    np.testing.assert_array_equal(embedded[:, 0], x[:, 1])
    assert embedded.shape[1] == 1 + 3 + 6  # a 0/1 number, a category's vector, a number's


@pytest.mark.parametrize(("n_rows", "n_numbers", "width"), [(999, 3, 8), (1000, 3, 16), (5000, 200, 10), (99, 3000, 2)])
def test_many_numbers_have_short_vectors(n_rows: int, n_numbers: int, width: int) -> None:
    section = load("data.task=auto", "model.numeric_embedding=periodic").model
    x = np.zeros((n_rows, n_numbers), np.float32)
    layer = embedding_of(section, range(n_numbers), x, x[:, :1], "regression")
    assert layer is not None
    assert layer.width == width


@pytest.mark.parametrize("embedding", ["piecewise_linear", "target_bins", "periodic", "cosine"])
@pytest.mark.parametrize("keys", [["model=dense"], *(["model=tabm", f"model.sharing={way}"] for way in SHARING)])
def test_no_weight_starts_with_the_numbers_of_another(keys: list[str], embedding: str) -> None:
    """Keras's initializers draw their seed once: slopes and biases of one initializer were the same numbers."""
    section = load("data.task=auto", *keys, f"model.numeric_embedding={embedding}").model
    rows = model.TrainingRows(X, X[:, :1], (0, 1, 2, 3))
    network = model.build(section, task="regression", n_inputs=4, n_outputs=1, rows=rows)
    drawn = [weight.numpy().ravel() for weight in network.trainable_variables if np.ptp(weight.numpy()) > 0]
    for one, other in itertools.combinations(drawn, 2):
        n = min(len(one), len(other), 8)
        scales = one[:n] / other[:n]
        assert n < 2 or np.ptp(scales) > 1e-3 * np.abs(scales).max()


def test_an_embedding_is_never_left_out_in_silence() -> None:
    section = load("data.task=auto", "model=tabm").model
    with pytest.raises(ValueError, match=r"model\.numeric_embedding=piecewise_linear is fitted on training rows"):
        model.build(section, task="regression", n_inputs=4, n_outputs=1)


def test_users_own_sections_without_these_keys_have_none() -> None:
    values = load("data.task=auto").model.model_dump(exclude={"embedding_width", "numeric_embedding"})
    section = model.spec("dense")(**values)
    assert section.numeric_embedding == "none"
