"""Many steps per call: equal to stock Keras, every row once, rows in device batches."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import ConfigError, fit, load, model
from pipeline.fit import batching, compiled_models, multi_step_model, variable_clone
from pipeline.fit.steps import batch_size, steps_of
from pipeline.model.layers.numbers import NumberEmbeddings
from support.block_training import EXECUTIONS, arrays, trainable, trained, trained_by_keras

pytestmark = pytest.mark.slow

SAME_RESULTS = [
    *([f"fit.optimizer={optimizer}"] for optimizer in ("sgd", "adamw", "rmsprop", "muon")),
    ["fit.optimizer=sgd", "fit.momentum=0.9", "fit.nesterov=true"],
    ["fit.optimizer=muon", "fit.adamw_learning_rate=0.01"],
    ["fit.clip_norm=0.1"],
    ["fit.schedule=cosine", "fit.warmup_epochs=1"],
    ["fit.schedule=exponential", "fit.decay_rate=0.5"],
]


@functools.cache
def stock_steps(*overrides: str) -> tuple[list[np.ndarray], dict[str, float]]:
    """Weights and logs after two epochs, made once for all executions that they are compared with."""
    found, logs = trained_by_keras(*overrides, epochs=2)
    return found.network.get_weights(), logs


ALL_AT_ONCE = ["fit.optimizer=adam", "model.l1=0.01", "model.l2=0.01", "model.batch_norm=true", "fit.clip_norm=1"]


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize(
    "overrides",
    [ALL_AT_ONCE, *(pytest.param(case, marks=pytest.mark.slow) for case in SAME_RESULTS)],
    ids=" ".join,
)
def test_steps_of_a_block_equal_stock_steps(overrides: list[str], execution: str) -> None:
    """The same batches in the same order, with weights of rows, the last batch smaller than the others."""
    ours, logs = trained(f"fit.execution={execution}", *overrides, epochs=2)
    stock, stock_logs = stock_steps(*overrides)
    for our_weight, stock_weight in zip(ours.network.get_weights(), stock, strict=True):
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
    layer = variable_clone.ValueDropout(0.25, seed=1)
    generator = {"graph": "philox", "compiled": "threefry"}[execution]
    ones = tf.ones((999, 33))  # an odd number of units: two are decided by one draw

    @tf.function(jit_compile=execution == "compiled")
    def dropped() -> tf.Tensor:
        with variable_clone.drawing_with(generator):
            return layer(ones, training=True)

    first, second = dropped().numpy(), dropped().numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(4 / 3)}
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert (first == 0).mean(axis=0) == pytest.approx(0.25, abs=0.07)
    assert ((first == 0) & (second == 0)).mean() == pytest.approx(0.0625, abs=0.01)  # independent of each other
    assert ((first[:, :-1] == 0) & (first[:, 1:] == 0)).mean() == pytest.approx(0.0625, abs=0.01)
    layer.value.assign(0.5)
    assert (dropped().numpy() == 0).mean() == pytest.approx(0.5, abs=0.01)


def test_mixed_precision_keeps_numbers_and_outputs_of_members_exact() -> None:
    config = load("model=tabm", "model.members=2", "model.units=[6]", "data.task=auto", "fit.mixed_precision=true")
    x, y, _ = arrays()
    rows = model.TrainingRows(x, y, (0, 1))
    network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1, rows=rows)
    found = fit.compile_network(network, config.fit, task="regression", n_rows=50, output_scale=np.ones(1)).model
    layers = [layer for part in found.layers for layer in getattr(part, "layers", [part])]
    computed = {layer.name: layer.compute_dtype for layer in layers}
    assert computed["output"] == "float32"
    assert computed["dense_0"] == "bfloat16"
    (numbers,) = [layer for layer in layers if isinstance(layer, NumberEmbeddings)]
    assert tf.as_dtype(numbers(x).dtype) == tf.float32


@pytest.mark.parametrize("mixed", ["false", pytest.param("true", marks=pytest.mark.slow)])
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


@pytest.mark.parametrize(("size", "steps"), [("1", 50), ("32", 2), ("50", 1), ("full", 1), ("1000", 1)])
@pytest.mark.parametrize("streamed", [False, True])
def test_batch_sizes_use_every_row_once(size: str, steps: int, streamed: bool) -> None:
    config = load(f"fit.batch_size={size}").fit
    divided = steps_of(50, batch_size(config, 50), None)
    assert divided.count == steps
    rows = (np.arange(50, dtype=np.float32)[:, None],) * 2
    source = (
        batching.StreamedRows((*rows, None), divided, 64) if streamed else batching.ResidentRows((*rows, None), divided)
    )
    order = np.random.default_rng(0).permutation(50).astype(np.int32)
    taken = [
        device_batch.rows[0].numpy()[device_batch.numbers.numpy()[step], 0]
        for device_batch in source.device_batches(np.random.default_rng(0))
        for step in range(device_batch.n_steps)
    ]
    assert len(taken) == steps
    assert np.concatenate(taken).tolist() == order.tolist()


@pytest.mark.parametrize(
    ("n_rows", "n_batch", "sizes"),
    [
        (33, 32, [33]),
        (65, 32, [32, 33]),
        (79, 32, [32, 47]),
        (80, 32, [32, 32, 16]),  # half a batch stands for itself
        (64, 32, [32, 32]),
        (5, 2, [2, 3]),
        (7, 5, [7]),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_small_rest_joins_the_batch_before_it_where_batches_are_normalized(
    n_rows: int, n_batch: int, sizes: list[int], streamed: bool
) -> None:
    normalized = keras.Sequential([keras.layers.Input((1,)), keras.Sequential([keras.layers.BatchNormalization()])])
    divided = steps_of(n_rows, n_batch, normalized)
    rows = (np.arange(n_rows, dtype=np.float32)[:, None],) * 2
    source = (
        batching.StreamedRows((*rows, None), divided, 64) if streamed else batching.ResidentRows((*rows, None), divided)
    )
    taken = [
        device_batch.rows[0].numpy()[device_batch.numbers.numpy()[step], 0]
        for device_batch in source.device_batches(np.random.default_rng(0))
        for step in range(device_batch.n_steps)
    ]
    assert [len(batch) for batch in taken] == sizes
    assert divided.count == len(sizes)
    assert sorted(np.concatenate(taken)) == list(range(n_rows))
    keras_own = steps_of(n_rows, n_batch, keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)]))
    assert keras_own.count == -(-n_rows // n_batch)


@pytest.mark.parametrize("execution", [pytest.param("stock", marks=pytest.mark.slow), "graph"])
def test_batch_normalization_is_not_spoilt_by_a_last_batch_of_one_row(execution: str) -> None:
    """It was: train RMSE 0.85 where batches of 33 or 17 came to 0.07 to 0.10."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(33, 4)).astype(np.float32)
    y = x @ np.array([[1.0], [-0.5], [0.3], [0.2]], np.float32)
    rows = x, y, None
    errors = {}
    for size in (32, 33):
        config = load(
            "model.units=[16]", "model.batch_norm=true", f"fit.batch_size={size}", "fit.epochs=150",
            "fit.learning_rate=0.01", "fit.early_stopping.patience=null", f"fit.execution={execution}",
        )  # fmt: skip
        keras.utils.set_random_seed(0)
        network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1)
        made = fit.compile_network(network, config.fit, task="regression", n_rows=33, output_scale=np.ones(1))
        fit.fit(made, rows, rows, config.fit, seed=0, report=lambda epoch, values: None)
        errors[size] = float(np.sqrt(np.mean((network(x).numpy() - y) ** 2)))
    assert errors[32] == pytest.approx(errors[33], rel=0.5)
    assert errors[32] < 0.2


@pytest.mark.parametrize(
    ("n_rows", "size", "why"), [(9, "1", "each batch is one row"), (1, "32", "there is one training row")]
)
def test_one_row_cannot_be_normalized(n_rows: int, size: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"fit.batch_size: {why}, and batch normalization needs two or more"):
        trainable("model.batch_norm=true", f"fit.batch_size={size}", n_rows=n_rows)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_rows_in_pieces_train_the_same_network(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, execution: str
) -> None:
    at_once, logs_at_once = trained(f"fit.execution={execution}", epochs=2)
    monkeypatch.setattr(batching, "DEVICE_BATCH_BYTES", 500)  # two steps; six full ones and a smaller one are an epoch
    monkeypatch.setattr(batching, "SHARE_OF_MEMORY", 0.0)
    with caplog.at_level("INFO", "pipeline"):
        in_pieces, logs = trained(f"fit.execution={execution}", epochs=2)
    assert "the device has 0.0 GB for them: they are sent in device batches" in caplog.text
    assert logs == pytest.approx(logs_at_once, abs=1e-6)
    for ours, theirs in zip(in_pieces.network.get_weights(), at_once.network.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_rows_come_in_a_new_order_each_epoch_and_the_same_for_a_seed() -> None:
    def losses(seed: int) -> list[float]:
        return list(trained("fit.learning_rate=0.1", epochs=2, seed=seed)[1].values())

    assert losses(0) == losses(0) != losses(1)


def test_long_epochs_show_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(
        multi_step_model, "CALL_SECONDS", 0.0
    )  # so that no call is short enough to make the next longer

    class Seen(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            assert np.isfinite((logs or {})["loss"])
            seen.append(batch)

    compiled_models._idle.clear()  # an old program knows how many steps to take at once
    found = trainable()
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
        found = trainable("model.dropout=0.3", "model.batch_norm=true", f"fit.execution={execution}")
        history = fit.fit(found, arrays(), arrays(20), config, seed=0, report=lambda epoch, values: None)
        assert len({epoch["loss"] for epoch in history.epochs}) == 3
        results.append(found.network.get_weights())
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
