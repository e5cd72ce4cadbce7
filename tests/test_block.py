"""Many steps per call: equal to stock Keras, every row once, one program for many jobs, rows in pieces."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import ConfigError, TrainingError, fit, load, model
from pipeline.fit import block, feed, programs, twin
from pipeline.fit.execution import choose_execution
from pipeline.fit.steps import batch_size, steps_per_epoch
from pipeline.fit.trainee import Trainee

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]
EXECUTIONS = ["graph", pytest.param("compiled", marks=pytest.mark.slow)]
SAME_RESULTS = [
    *([f"fit.optimizer={optimizer}"] for optimizer in ("sgd", "adam", "adamw", "rmsprop", "muon")),
    ["fit.optimizer=sgd", "fit.momentum=0.9", "fit.nesterov=true"],
    ["model.l1=0.01", "model.l2=0.01"],
    ["model.batch_norm=true"],
    ["fit.clip_norm=0.1"],
    ["fit.schedule=cosine", "fit.warmup_epochs=1"],
    ["fit.schedule=exponential", "fit.decay_rate=0.5"],
]
IN_A_MOMENT = SAME_RESULTS[1], SAME_RESULTS[6], SAME_RESULTS[7], SAME_RESULTS[9]


def arrays(n_rows: int = 50) -> Arrays:
    rng = np.random.default_rng(n_rows)
    x = rng.normal(size=(n_rows, 4)).astype(np.float32)
    return x, x[:, :1] - 2 * x[:, 1:2], np.linspace(0, 2, n_rows, dtype=np.float32)


def trainee(*overrides: str, n_rows: int = 50) -> Trainee:
    config = load("model.units=[6]", "data.task=auto", "fit.batch_size=8", "fit.learning_rate=0.01", *overrides)
    keras.utils.set_random_seed(config.seed)
    network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1)
    return fit.compile_network(
        network, config.fit, task="regression", n_rows=n_rows, output_scale=np.full(1, 1.0 + config.seed)
    )


def trained(*overrides: str, epochs: int = 1, seed: int = 0, rows: Arrays | None = None) -> tuple[Trainee, dict]:
    """By blocks; the network has the weights in the end."""
    x, y, weight = rows or arrays()
    found = trainee(*overrides, n_rows=len(x))
    history = found.model.fit(
        x,
        y,
        sample_weight=weight,
        batch_size=8,
        epochs=epochs,
        validation_data=arrays(20),
        callbacks=[],
        seed=seed,
    )
    found.bring_back()
    return found, {name: values[-1] for name, values in history.history.items()}


def trained_by_keras(*overrides: str, epochs: int = 1, seed: int = 0) -> tuple[Trainee, dict]:
    """By stock steps, in the order in which blocks take the rows."""
    found, order, logs = trainee("fit.execution=stock", *overrides), np.random.default_rng(seed), {}
    x, y, weight = arrays()
    for _ in range(epochs):
        numbers = order.permutation(50)
        history = found.model.fit(
            x[numbers],
            y[numbers],
            sample_weight=weight[numbers],
            batch_size=8,
            validation_data=arrays(20),
            shuffle=False,
            verbose=0,
        )
        logs = {name: values[-1] for name, values in history.history.items()}
    found.bring_back()
    return found, logs


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize(
    "overrides",
    [pytest.param(case, marks=[] if case in IN_A_MOMENT else pytest.mark.slow) for case in SAME_RESULTS],
    ids=" ".join,
)
def test_steps_of_a_block_equal_stock_steps(overrides: list[str], execution: str) -> None:
    """The same batches in the same order, with weights of rows, the last batch smaller than the others."""
    ours, logs = trained(f"fit.execution={execution}", *overrides, epochs=2)
    stock, stock_logs = trained_by_keras(*overrides, epochs=2)
    for our_weight, stock_weight in zip(ours.network.get_weights(), stock.network.get_weights(), strict=True):
        np.testing.assert_allclose(our_weight, stock_weight, atol=1e-5)
    assert logs.keys() == stock_logs.keys()
    for name, value in stock_logs.items():
        assert logs[name] == pytest.approx(value, abs=1e-5), name


@pytest.mark.slow
@pytest.mark.parametrize("execution", EXECUTIONS)
def test_steps_in_mixed_precision(execution: str) -> None:
    """Near to stock steps in bfloat16, and not those in float32."""
    mixed = "fit.mixed_precision=true"
    ours, _ = trained(f"fit.execution={execution}", mixed, epochs=2)
    stock, plain = trained_by_keras(mixed, epochs=2)[0], trained_by_keras(epochs=2)[0]
    assert [weight.dtype for weight in ours.network.get_weights()] == [np.float32] * 4
    for our_weight, stock_weight in zip(ours.network.get_weights(), stock.network.get_weights(), strict=True):
        np.testing.assert_allclose(our_weight, stock_weight, atol=2e-2)
    assert not np.allclose(ours.network.get_weights()[0], plain.network.get_weights()[0], atol=1e-6)


@pytest.mark.parametrize("execution", ["graph", "compiled"])
def test_dropout_leaves_the_share_it_should(execution: str) -> None:
    layer = twin.ValueDropout(0.25, seed=1)
    generator = {"graph": "philox", "compiled": "threefry"}[execution]
    ones = tf.ones((999, 33))  # an odd number of units: two are decided by one draw

    @tf.function(jit_compile=execution == "compiled")
    def dropped() -> tf.Tensor:
        with twin.drawing_with(generator):
            return layer(ones, training=True)

    first, second = dropped().numpy(), dropped().numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(4 / 3)}
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert (first == 0).mean(axis=0) == pytest.approx(0.25, abs=0.07)
    assert ((first == 0) & (second == 0)).mean() == pytest.approx(0.0625, abs=0.01)  # independent of each other
    assert ((first[:, :-1] == 0) & (first[:, 1:] == 0)).mean() == pytest.approx(0.0625, abs=0.01)
    layer.value.assign(0.5)
    assert (dropped().numpy() == 0).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_job_of_a_sweep_that_differs_in_values_compiles_nothing_and_comes_to_the_same(execution: str) -> None:
    programs._idle.clear()
    options = [f"fit.execution={execution}", "model.batch_norm=true"]
    first = ["model.dropout=0.1", "model.l1=0.1", "model.l2=0.3", "fit.learning_rate=0.1", "seed=1"]
    second = ["model.dropout=0.4", "model.l1=0.2", "model.l2=0.01", "fit.learning_rate=0.02", "seed=2"]
    alone, logs_alone = trained(*options, *second, epochs=2)
    programs._idle.clear()
    one, _ = trained(*options, *first, epochs=2)
    traced = [one.model._run_steps, one.model._run_rest, one.model._validate_first]
    counts = [function.experimental_get_tracing_count() for function in traced]
    two, logs = trained(*options, *second, epochs=2)
    assert two.model is one.model
    assert [function.experimental_get_tracing_count() for function in traced] == counts
    assert logs == logs_alone
    for ours, theirs in zip(two.network.get_weights(), alone.network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("model.units=[6]", "model.units=[7]"),
        ("model.l1=0.1", "model.l1=0"),
        ("model.dropout=0.1", "model.dropout=0"),
        ("model.activation=relu", "model.activation=tanh"),
        ("fit.optimizer=sgd", "fit.optimizer=adam"),
        ("fit.clip_norm=1", "fit.clip_norm=2"),
        ("fit.schedule=constant", "fit.schedule=cosine"),
        ("fit.mixed_precision=false", "fit.mixed_precision=true"),
    ],
)
def test_networks_that_differ_in_more_than_values_share_no_program(one: str, other: str) -> None:
    assert trainee(one).structure != trainee(other).structure


def test_names_that_keras_invents_make_no_other_program() -> None:
    def network(units: int) -> keras.Model:
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(units)(inputs)))

    assert twin.structure(network(3)) == twin.structure(network(3)) != twin.structure(network(4))


@pytest.mark.parametrize("mixed", ["false", "true"])
def test_embedded_categories_train_in_blocks_as_by_keras(mixed: str) -> None:
    config = load("model.units=[6]", "data.task=auto", "fit.batch_size=50", f"fit.mixed_precision={mixed}")
    x, y, _ = arrays()
    x[:, 3] = np.arange(50) % 300  # numbers of categories that bfloat16 would round
    weights = []
    for execution in ("stock", "graph"):
        keras.utils.set_random_seed(0)
        network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1, categories=(300,))
        rules = config.fit.model_copy(update={"execution": execution, "epochs": 3})
        found = fit.compile_network(network, rules, task="regression", n_rows=50, output_scale=np.ones(1))
        fit.fit(found, (x, y, None), (x, y, None), rules, seed=0, report=lambda epoch, values: None)
        weights.append(network.get_weights())
    assert found.structure is not None
    for stock, ours in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, stock, atol=1e-5 if mixed == "false" else 2e-2)


def test_only_what_draws_by_tensorflows_generator_seeds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeding it throws away all that TensorFlow has prepared to run, also the programs that wait."""
    programs._idle.clear()
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
    programs._idle.clear()


def test_a_program_in_use_is_lent_to_nobody_else_and_few_are_kept() -> None:
    programs._idle.clear()
    first, second = trainee(), trainee()
    assert first.model is not second.model
    for width in range(programs.MOST_IDLE + 2):
        trainee(f"model.units=[{width + 1}]").bring_back()
    assert len(programs._idle) == programs.MOST_IDLE
    programs._idle.clear()


@pytest.mark.parametrize(("size", "steps"), [("1", 50), ("32", 2), ("50", 1), ("full", 1), ("1000", 1)])
@pytest.mark.parametrize("streamed", [False, True])
def test_batch_sizes_use_every_row_once(size: str, steps: int, streamed: bool) -> None:
    config = load(f"fit.batch_size={size}").fit
    assert steps_per_epoch(config, 50) == steps
    n_batch = batch_size(config, 50)
    rows = (np.arange(50, dtype=np.float32)[:, None],) * 2
    source = feed.Streamed((*rows, None), n_batch, 64) if streamed else feed.Resident((*rows, None), n_batch)
    order = np.random.default_rng(0).permutation(50).astype(np.int32)
    taken = [
        piece.rows[0].numpy()[piece.numbers.numpy()[step], 0]
        for piece in source.pieces(np.random.default_rng(0))
        for step in range(piece.n_steps)
    ]
    assert len(taken) == steps
    assert np.concatenate(taken).tolist() == order.tolist()


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_rows_in_pieces_train_the_same_network(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, execution: str
) -> None:
    at_once, logs_at_once = trained(f"fit.execution={execution}", epochs=2)
    monkeypatch.setattr(feed, "PIECE_BYTES", 500)  # two steps; six full ones and a smaller one are an epoch
    monkeypatch.setattr(feed, "SHARE_OF_MEMORY", 0.0)
    with caplog.at_level("INFO", "pipeline"):
        in_pieces, logs = trained(f"fit.execution={execution}", epochs=2)
    assert "0.0 GB for them on the device: they are sent in pieces" in caplog.text
    assert logs == pytest.approx(logs_at_once, abs=1e-6)
    for ours, theirs in zip(in_pieces.network.get_weights(), at_once.network.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_rows_come_in_a_new_order_each_epoch_and_the_same_for_a_seed() -> None:
    def losses(seed: int) -> list[float]:
        return list(trained("fit.learning_rate=0.1", epochs=2, seed=seed)[1].values())

    assert losses(0) == losses(0) != losses(1)


def test_long_epochs_show_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(block, "CALL_SECONDS", 0.0)  # so that no call is short enough to make the next longer

    class Seen(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            assert np.isfinite((logs or {})["loss"])
            seen.append(batch)

    programs._idle.clear()  # an old program knows how many steps to take at once
    found = trainee()
    x, y, _ = arrays()
    found.model.fit(x, y, batch_size=8, epochs=1, validation_data=arrays(20), callbacks=[Seen()], seed=0)
    assert seen == list(range(7))


@pytest.mark.parametrize("size", ["1", "7", "full", "1000"])
@pytest.mark.parametrize("n_rows", [1, 2, 50])
def test_any_batch_size_with_any_number_of_rows(size: str, n_rows: int) -> None:
    config = load("model.units=[6]", "data.task=auto", f"fit.batch_size={size}", "fit.epochs=2").fit
    network = model.build(load("model.units=[6]").model, task="regression", n_inputs=4, n_outputs=1)
    made = fit.compile_network(network, config, task="regression", n_rows=n_rows, output_scale=np.ones(1))
    history = fit.fit(made, arrays(n_rows), arrays(1), config, seed=0, report=lambda epoch, values: None)
    assert len(history.epochs) == 2


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["stock", "graph", "compiled"])
def test_every_execution_trains_with_dropout_and_repeats_itself(execution: str) -> None:
    config = load(f"fit.execution={execution}", "fit.batch_size=8", "fit.epochs=3").fit
    results = []
    for _ in range(2):
        found = trainee("model.dropout=0.3", "model.batch_norm=true", f"fit.execution={execution}")
        history = fit.fit(found, arrays(), arrays(20), config, seed=0, report=lambda epoch, values: None)
        assert len({epoch["loss"] for epoch in history.epochs}) == 3
        results.append(found.network.get_weights())
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


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
        choose_execution(load("fit.epochs=3", *overrides).fit, 50)
    assert caplog.messages == [line]


@pytest.mark.gpu
def test_rows_and_steps_are_on_the_gpu() -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("needs a GPU: what is tested is that rows and weights lie on it, so that the host is idle")
    found, _ = trained("fit.execution=compiled")
    placed = feed.place(arrays())
    assert all("GPU" in tensor.device for tensor in [*placed, found.model.trainable_variables[0].value])
