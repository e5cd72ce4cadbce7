"""What the pipeline trains, checked against the textbook: backpropagation and the update rules, by hand in numpy.

Formulas: Bishop, Pattern Recognition and Machine Learning (2006), section 5.3; Goodfellow, Bengio and Courville, Deep
Learning (2016), algorithms 6.4, 8.2 and 8.7.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import load, model
from pipeline.fit import compile_network

N, D = 7, 4
ACTIVATIONS = {
    "linear": (lambda a: a, lambda a, z: np.ones_like(a)),
    "relu": (lambda a: np.maximum(a, 0), lambda a, z: (a > 0).astype(float)),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a, z: z * (1 - z)),
    "tanh": (np.tanh, lambda a, z: 1 - z**2),
}
TASKS = {"regression": 2, "binary": 1, "multiclass": 3}


def data(task: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(N, D)).astype(np.float32)
    if task == "regression":
        return x, rng.normal(size=(N, 2)).astype(np.float32)
    return x, rng.integers(0, 2 if task == "binary" else 3, size=(N, 1)).astype(np.float32)


def network_for(task: str, *overrides: str) -> tuple[keras.Model, keras.Model]:
    config = load("model.units=[5,3]", "data.task=auto", "fit.execution=stock", *overrides)
    keras.utils.set_random_seed(0)
    network = model.build(config.model, task=task, n_inputs=D, n_outputs=TASKS[task])
    for weight in network.weights:  # biases start at 0, where a wrong sign would go unseen
        weight.assign(np.random.default_rng(2).normal(size=weight.shape, scale=0.7))
    trainable = compile_network(network, config.fit, task=task, n_rows=N, output_scale=np.ones(TASKS[task]))
    return network, trainable.model


def textbook_gradients(
    weights: list[np.ndarray], x: np.ndarray, y: np.ndarray, task: str, hidden: str, output: str = "linear"
) -> list[np.ndarray]:
    """Forward through all layers, then delta of the output, then delta by delta back to the first layer."""
    names = [hidden, hidden, output]
    zs, activations = [x.astype(np.float64)], []
    for layer, name in enumerate(names):
        a = zs[-1] @ weights[2 * layer] + weights[2 * layer + 1]
        activations.append(a)
        zs.append(ACTIVATIONS[name][0](a))
    if task == "regression":  # E is the mean over rows and outputs of (z - y)^2
        delta = 2 * (zs[-1] - y) / y.size * ACTIVATIONS[output][1](activations[-1], zs[-1])
    elif task == "binary":  # sigmoid with binary cross-entropy: the output minus the target
        delta = (1 / (1 + np.exp(-zs[-1])) - y) / len(y)
    else:  # softmax with categorical cross-entropy: the same
        powers = np.exp(zs[-1])
        delta = (powers / powers.sum(axis=1, keepdims=True) - np.eye(3)[y[:, 0].astype(int)]) / len(y)
    gradients: list[np.ndarray] = []
    for layer in reversed(range(3)):
        gradients = [zs[layer].T @ delta, delta.sum(axis=0), *gradients]
        if layer:
            below = ACTIVATIONS[names[layer - 1]][1](activations[layer - 1], zs[layer])
            delta = (delta @ weights[2 * layer].T) * below
    return gradients


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("hidden", ["relu", "sigmoid", "tanh"])
def test_gradients_equal_backpropagation(task: str, hidden: str) -> None:
    network, compiled = network_for(task, f"model.activation={hidden}")
    x, y = data(task)
    with tf.GradientTape() as tape:
        loss = compiled.compute_loss(x=x, y=tf.constant(y), y_pred=network(x, training=True))
    found = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
    expected = textbook_gradients(network.get_weights(), x, y, task, hidden)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "relu"])
def test_gradients_through_a_bounded_output_of_a_regression(output: str) -> None:
    network, compiled = network_for("regression", "model.activation=tanh", f"model.output_activation={output}")
    x, y = data("regression")
    with tf.GradientTape() as tape:
        loss = compiled.compute_loss(x=x, y=tf.constant(y), y_pred=network(x, training=True))
    found = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
    for ours, theirs in zip(
        found, textbook_gradients(network.get_weights(), x, y, "regression", "tanh", output), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def sgd(w: np.ndarray, g: np.ndarray, state: dict, t: int) -> np.ndarray:
    return w - 0.1 * g


def momentum(w: np.ndarray, g: np.ndarray, state: dict, t: int) -> np.ndarray:
    state["v"] = 0.9 * state.get("v", 0) - 0.1 * g
    return w + state["v"]


def adam(w: np.ndarray, g: np.ndarray, state: dict, t: int) -> np.ndarray:
    """In the order of Kingma and Ba (2015), end of section 2, which is Keras's: its epsilon is their epsilon hat."""
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    state["s"] = 0.999 * state.get("s", 0) + 0.001 * g**2
    return w - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * state["m"] / (np.sqrt(state["s"]) + 1e-7)


@pytest.mark.parametrize(
    ("rule", "overrides"),
    [
        (sgd, ["fit.optimizer=sgd"]),
        (momentum, ["fit.optimizer=sgd", "fit.momentum=0.9"]),
        (adam, ["fit.optimizer=adam"]),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_updates_equal_the_textbooks(rule, overrides: list[str]) -> None:
    network, compiled = network_for("multiclass", "model.activation=tanh", "fit.learning_rate=0.1", *overrides)
    x, y = data("multiclass")
    expected = [weight.astype(np.float64) for weight in network.get_weights()]
    states: list[dict] = [{} for _ in expected]
    for t in (1, 2, 3):
        gradients = textbook_gradients(expected, x, y, "multiclass", "tanh")
        expected = [rule(w, g, s, t) for w, g, s in zip(expected, gradients, states, strict=True)]
        compiled.train_on_batch(x, y)
    for ours, theirs in zip(network.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_l1_and_l2_add_their_penalty_to_the_loss() -> None:
    network, compiled = network_for("regression", "model.l1=0.01", "model.l2=0.1")
    x, y = data("regression")
    kernels = network.get_weights()[::2]
    penalty = sum(0.01 * np.abs(kernel).sum() + 0.1 * (kernel**2).sum() for kernel in kernels)
    plain = np.mean((network(x).numpy() - y) ** 2)
    assert float(compiled.compute_loss(x=x, y=y, y_pred=network(x))) == pytest.approx(plain + penalty, rel=1e-5)


def test_clip_norm_bounds_the_whole_gradient() -> None:
    network, compiled = network_for("regression", "fit.optimizer=sgd", "fit.learning_rate=1", "fit.clip_norm=0.01")
    before = network.get_weights()
    compiled.train_on_batch(*data("regression"))
    step = np.sqrt(sum(((b - a) ** 2).sum() for a, b in zip(before, network.get_weights(), strict=True)))
    assert step == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_label_smoothing_spreads_a_share_of_each_label(task: str) -> None:
    """Szegedy et al. (2016), section 7: the cross-entropy with a label mixed with the uniform distribution."""
    trainable = network_for(task, "fit.label_smoothing=0.3")[1]
    x, y = data(task)
    logits = trainable.predict(x, verbose=0).astype(np.float64)
    logits = np.hstack([np.zeros_like(logits), logits]) if task == "binary" else logits
    logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    n_classes = logits.shape[1]
    labels = 0.7 * np.eye(n_classes)[y[:, 0].astype(int)] + 0.3 / n_classes
    expected = -(labels * logarithms).sum(axis=1).mean()
    assert trainable.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(expected, rel=1e-5)
