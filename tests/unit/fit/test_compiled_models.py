"""One program for many jobs, and which execution a network gets."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import ConfigError, TrainingError, fit, load, model
from pipeline.fit import compiled_models, variable_clone
from pipeline.fit.execution import choose_execution
from support.block_training import EXECUTIONS, arrays, trainable, trained


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_job_of_a_sweep_that_differs_in_values_compiles_nothing_and_comes_to_the_same(execution: str) -> None:
    compiled_models._idle.clear()
    options = [f"fit.execution={execution}", "model.batch_norm=true"]
    first = ["model.dropout=0.1", "model.l1=0.1", "model.l2=0.3", "fit.learning_rate=0.1", "seed=1"]
    second = ["model.dropout=0.4", "model.l1=0.2", "model.l2=0.01", "fit.learning_rate=0.02", "seed=2"]
    alone, logs_alone = trained(*options, *second, epochs=2)
    compiled_models._idle.clear()
    one, _ = trained(*options, *first, epochs=2)
    traced = [one.model._run_steps, one.model._run_last, one.model._validate_first]
    counts = [function.experimental_get_tracing_count() for function in traced]
    two, logs = trained(*options, *second, epochs=2)
    assert two.model is one.model
    assert [function.experimental_get_tracing_count() for function in traced] == counts
    assert logs == logs_alone
    for ours, theirs in zip(two.network.get_weights(), alone.network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_networks_that_differ_in_more_than_values_share_no_program() -> None:
    different = [
        "model.units=[6]", "model.units=[7]", "model.l1=0.1", "model.dropout=0.1", "model.activation=tanh",
        "fit.optimizer=sgd", "fit.clip_norm=1", "fit.clip_norm=2", "fit.schedule=cosine", "fit.mixed_precision=true",
    ]  # fmt: skip
    structures: dict[str | None, list[str]] = {}
    for override in different:
        structures.setdefault(trainable(override).structure, []).append(override)
    assert list(structures.values()) == [[override] for override in different]


def test_names_that_keras_invents_make_no_other_program() -> None:
    def network(units: int) -> keras.Model:
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(units)(inputs)))

    assert (
        variable_clone.structure(network(3))
        == variable_clone.structure(network(3))
        != variable_clone.structure(network(4))
    )


@pytest.mark.slow
def test_only_what_draws_by_tensorflows_generator_seeds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeding it throws away all that TensorFlow has prepared to run, also the programs that wait."""
    compiled_models._idle.clear()
    seeded = []
    set_random_seed = keras.utils.set_random_seed
    monkeypatch.setattr(keras.utils, "set_random_seed", lambda seed: (seeded.append(seed), set_random_seed(seed)))
    weights = []
    for execution, seeds in (("graph", [3]), ("graph", []), ("stock", [3]), ("stock", [3])):
        seeded.clear()
        config = load("model.units=[6]", "data.task=auto", f"fit.execution={execution}", "fit.epochs=2")
        fit.seed(3)
        network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1)
        found = fit.compile_network(network, config.fit, task="regression", n_rows=50, output_scale=np.ones(1))
        fit.fit(found, arrays(), arrays(20), config.fit, seed=3, report=lambda epoch, values: None)
        assert seeded == seeds
        weights.append(np.concatenate([weight.ravel() for weight in found.network.get_weights()]))
    np.testing.assert_array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[2], weights[3])
    compiled_models._idle.clear()


def test_a_program_in_use_is_lent_to_nobody_else_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_models._idle.clear()
    monkeypatch.setattr(compiled_models, "MAX_IDLE", 2)
    first, second = trainable(), trainable()
    assert first.model is not second.model
    kept = []
    for width in range(4):
        found = trainable(f"model.units=[{width + 1}]")
        found.bring_back()
        kept.append(found.structure)
    assert list(compiled_models._idle) == kept[-2:]
    compiled_models._idle.clear()


def outside_of_keras() -> keras.Model:
    inputs = keras.Input((4,))
    outside = keras.layers.Lambda(lambda x: tf.ensure_shape(tf.py_function(lambda v: v, [x], tf.float32), (None, 4)))
    return keras.Model(inputs, keras.layers.Dense(1)(outside(inputs)))


def test_network_that_xla_cannot_compile() -> None:
    config = load("fit.execution=compiled", "fit.epochs=1").fit
    found = fit.compile_network(outside_of_keras(), config, task="regression", n_rows=50, output_scale=np.ones(1))
    with pytest.raises(TrainingError, match=r"XLA cannot compile this network .*; set fit.execution=graph"):
        fit.fit(found, arrays(), arrays(20), config, seed=0, report=lambda epoch, values: None)


def test_mixed_precision_of_layers_that_cannot_be_copied() -> None:
    config = load("fit.mixed_precision=true").fit
    with pytest.raises(ConfigError, match=r"fit\.mixed_precision: the network has layers that are not Keras's own"):
        fit.compile_network(outside_of_keras(), config, task="regression", n_rows=50, output_scale=np.ones(1))


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ([], "execution graph: at most 6 steps, too few to pay for compiling"),
        (["fit.epochs=5000"], "execution compiled: at most 10000 steps, enough to pay for compiling"),
        (["fit.execution=stock"], "execution stock: as set"),
    ],
)
def test_the_log_says_which_execution_and_why(
    caplog: pytest.LogCaptureFixture, overrides: list[str], line: str
) -> None:
    with caplog.at_level("INFO", "pipeline"):
        choose_execution(load("fit.epochs=3", *overrides).fit, 2)
    assert caplog.messages == [line]
