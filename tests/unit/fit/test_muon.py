"""Muon on the kernels of members, which stand stacked."""

import keras
import numpy as np
import pytest

from pipeline import fit, load, model
from pipeline.fit.muon import Muon


def test_keras_still_asks_the_private_method_that_we_override() -> None:
    """Named in pyproject.toml as the reason for Keras's upper bound."""
    asked: list[str] = []

    class Asking(Muon):
        def _should_use_adamw(self, variable: keras.Variable) -> bool:
            asked.append(variable.name)
            return super()._should_use_adamw(variable)

    Asking().build([keras.Variable(np.ones((3, 2)), name="kernel")])
    assert asked == ["kernel"]


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_a_stack_of_kernels_is_updated_as_each_by_itself(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(6, *shape)), rng.normal(size=(3, 6, *shape))
    stacked = keras.Variable(start.astype(np.float32), name="kernels")
    muon = Muon(learning_rate=0.1)
    for gradient in gradients:
        muon.apply([keras.ops.convert_to_tensor(gradient, "float32")], [stacked])
    for member in range(6):
        alone = keras.Variable(start[member].astype(np.float32), name="kernel")
        theirs = keras.optimizers.Muon(learning_rate=0.1)
        for gradient in gradients:
            theirs.apply([keras.ops.convert_to_tensor(gradient[member], "float32")], [alone])
        np.testing.assert_allclose(stacked.numpy()[member], alone.numpy(), rtol=1e-4, atol=1e-5)


def test_who_takes_which_step() -> None:
    """Hidden kernels take Muon's, at their own rate; adapters, biases, embeddings and outputs take AdamW's."""
    config = load(
        "model=tabm", "model.sharing=packed", "model.numeric_embedding=periodic", "model.members=2", "model.units=[4]",
        "model.dropout=0", "data.task=auto", "fit.optimizer=muon", "fit.learning_rate=1e-30",
        "fit.adamw_learning_rate=0.01", "fit.weight_decay=0", "fit.execution=stock", "fit.ema=null",
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    rows = model.TrainingRows(x, x[:, :1], (0, 1))
    network = model.build(config.model, task="regression", n_inputs=3, n_outputs=1, rows=rows)
    trained = fit.compile_network(network, config.fit, task="regression", n_rows=20, output_scale=np.ones(1)).model
    before = [variable.numpy().copy() for variable in trained.trainable_variables]
    trained.fit(x, x[:, :1], epochs=2, verbose=0)
    stayed = {
        variable.path.rpartition("/")[0].rpartition("/")[2] + "/" + variable.name
        for variable, value in zip(trained.trainable_variables, before, strict=True)
        if np.array_equal(variable.numpy(), value)
    }
    assert stayed == {"dense_0/kernels"}


def test_weights_decay_by_the_rate_of_their_own_step() -> None:
    """Keras's Muon lets AdamW's weights decay by Muon's rate."""
    muon = Muon(learning_rate=0.1, adam_lr_ratio=0.5, weight_decay=2.0, adam_weight_decay=1.0)
    hidden, output = (keras.Variable(np.ones((3, 2)), name="kernel") for _ in range(2))
    output._path = "output/kernel"
    muon.build([hidden, output])
    muon._apply_weight_decay([hidden, output])
    np.testing.assert_allclose(hidden.numpy(), 1 - 0.1 * 2, rtol=1e-6)
    np.testing.assert_allclose(output.numpy(), 1 - 0.1 * 0.5 * 1, rtol=1e-6)
