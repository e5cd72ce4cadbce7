"""Networks of members: what they share, how they are trained, and what they say together."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from pipeline import load, model
from pipeline.fit.member_losses import ByMember, mean_of_members
from pipeline.model.layers.embedding import width_of
from pipeline.model.layers.stacked_members import MeanOfMembers

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
SHARINGS = ["mini", "full", "packed"]


def tabm(*overrides: str, task: str = "regression", n_outputs: int = 1) -> keras.Model:
    keras.utils.set_random_seed(0)
    keys = ["model=tabm", "model.members=3", "model.units=[8,6]", "model.numeric_embedding=none"]
    section = load("data.task=auto", *keys, *overrides).model
    return model.build(section, task=task, n_inputs=4, n_outputs=n_outputs)


def members_of(network: keras.Model) -> np.ndarray:
    """`(n_rows, n_members, n_outputs)` of X."""
    mean = mean_of_members(network)
    assert mean is not None
    return np.asarray(keras.Model(network.input, mean.input)(X))


@pytest.mark.parametrize("sharing", SHARINGS)
def test_members_differ_and_share_what_they_should(sharing: str) -> None:
    network = tabm(f"model.sharing={sharing}")
    found = members_of(network)
    assert found.shape == (30, 3, 1)
    assert np.abs(found[:, 0] - found[:, 1]).min() > 0
    np.testing.assert_allclose(network(X), found.mean(axis=1), rtol=1e-5, atol=1e-6)
    adapters, outputs = 4 * 3, 3 * (6 + 1)
    assert (
        network.count_params()
        == {
            "mini": adapters + (4 + 1) * 8 + (8 + 1) * 6 + outputs,
            "full": adapters + 4 * 8 + 3 * (2 * 8) + 3 * 8 + 8 * 6 + 3 * (2 * 6) + outputs,
            "packed": 3 * ((4 + 1) * 8 + (8 + 1) * 6) + outputs,
        }[sharing]
    )


def test_packed_members_are_networks_of_their_own() -> None:
    network = tabm("model.sharing=packed")
    weights = network.get_weights()
    for member in range(3):
        x = X
        for kernels, biases in zip(weights[:4:2], weights[1:4:2], strict=True):
            x = np.maximum(x @ kernels[member] + biases[0, member], 0)
        expected = x @ weights[4][member] + weights[5][0, member]
        np.testing.assert_allclose(members_of(network)[:, member], expected, rtol=1e-4, atol=1e-5)


def test_classes_are_averaged_as_probabilities() -> None:
    logits = np.random.default_rng(1).normal(size=(30, 3, 4)) * 30
    expected = logsumexp(log_softmax(logits, axis=-1), axis=1) - np.log(3)
    np.testing.assert_allclose(MeanOfMembers("multiclass")(logits.astype(np.float32)), expected, rtol=1e-4, atol=1e-3)
    two = logits[:, :, :1]
    mean = (1 / (1 + np.exp(-two))).mean(axis=1)
    kept = (mean > 1e-6) & (mean < 1 - 1e-6)
    found = np.asarray(MeanOfMembers("binary")(two.astype(np.float32)))
    np.testing.assert_allclose(found[kept], np.log(mean / (1 - mean))[kept], rtol=1e-3, atol=1e-4)
    far = np.full((1, 3, 1), 500.0, np.float32)
    np.testing.assert_allclose(MeanOfMembers("binary")(far), [[500.0]], rtol=1e-5)  # where probabilities are 1


@pytest.mark.parametrize("weighted", [False, True])
def test_the_training_loss_is_that_of_the_members_and_the_validation_loss_that_of_their_mean(weighted: bool) -> None:
    network = tabm("model.dropout=0")
    y = X[:, :1] ** 2
    weight = np.linspace(0.1, 2, 30, dtype=np.float32) if weighted else np.ones(30, np.float32)
    trained = ByMember.of(network, "trained")
    trained.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", weighted_metrics=["mae"])
    found = trained.fit(X, y, sample_weight=weight, validation_data=(X, y, weight), batch_size=30, verbose=0).history
    squares = (members_of(network) - y[:, None]) ** 2
    mean = members_of(network).mean(axis=1)
    assert found["loss"][0] == pytest.approx((squares.mean(axis=(1, 2)) * weight).mean(), rel=1e-4)
    assert found["val_loss"][0] == pytest.approx((((mean - y) ** 2)[:, 0] * weight).mean(), rel=1e-4)
    assert found["mae"][0] == pytest.approx((np.abs(mean - y)[:, 0] * weight).sum() / weight.sum(), rel=1e-4)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_members_learn_by_gradients_of_their_own(sharing: str) -> None:
    """A member's outputs have the gradient of that member's loss alone, whatever the others say."""
    network = tabm(f"model.sharing={sharing}", "model.dropout=0")
    output = network.get_layer("tabm").get_layer("output")
    trained = ByMember.of(network, "trained")
    trained.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    y, biases, residuals = X[:, :1] ** 2, output.get_weights()[1], members_of(network) - X[:, None, :1] ** 2
    trained.train_on_batch(X, y)
    # Of an output's bias it is twice the mean residual; the loss is the mean over three members.
    expected = biases - 0.1 * 2 * residuals.mean(axis=0) / 3
    np.testing.assert_allclose(output.get_weights()[1], expected, rtol=1e-4, atol=1e-6)


def test_members_with_rows_of_their_own_learn_by_these() -> None:
    network = tabm("model.member_batches=own", "model.dropout=0")
    output = network.get_layer("tabm").get_layer("output")
    trained = ByMember.of(network, "trained")
    trained.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    biases = output.get_weights()[1]
    own = members_of(network)[np.arange(30), np.arange(30) % 3]  # what each row's own member says, (30, 1)
    y = X[:, :1] ** 2
    _, mae = trained.train_on_batch(X, y)  # ten rows for each of three members
    residuals = (own - y).reshape(10, 3)
    np.testing.assert_allclose(
        output.get_weights()[1][0, :, 0], biases[0, :, 0] - 0.1 * 2 * residuals.mean(axis=0) / 3, rtol=1e-4
    )
    assert mae == pytest.approx(np.abs(residuals).mean(), rel=1e-4)
    assert network(X).shape == (30, 1)  # only in training


@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_members_with_rows_of_their_own_go_through_all_batches(n_steps: int) -> None:
    trained = ByMember.of(tabm("model.member_batches=own"), "trained")
    numbers = np.arange(40).reshape(10, 4)  # batches of four; of ten those from n_steps on only fill up
    taken = np.array(
        [np.asarray(trained.rows_of_step(numbers, n_steps, step)).reshape(4, 3) for step in range(n_steps)]
    )
    for member in range(3):
        assert sorted(taken[:, :, member].ravel()) == list(range(4 * n_steps))
    if n_steps > 2:
        assert all(len({*batch[0]}) == 3 for batch in taken)


def test_at_the_start_a_member_multiplies_a_columns_vector_by_one_number() -> None:
    """As the paper's package does; the inputs are a number by itself, a category of 3 entries and vectors of 5."""
    section = load("data.task=auto", "model=tabm", "model.members=3", "model.embedding_width=5").model
    rows = model.TrainingRows(X, X[:, :1], (0, 2))
    network = model.build(section, task="regression", n_inputs=4, n_outputs=1, categories=(4,), rows=rows)
    (scales,) = [weight for weight in network.weights if weight.name == "scales"]
    lengths = [1, width_of(4), 5, 5]
    firsts = np.cumsum([0, *lengths[:-1]])
    np.testing.assert_array_equal(scales, np.repeat(scales.numpy()[..., firsts], lengths, axis=-1))
    assert len(np.unique(scales)) == 3 * len(lengths)
