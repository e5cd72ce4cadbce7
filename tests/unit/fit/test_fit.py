"""Training: optimizers and schedules, early stopping, weights, and two replicas."""

import itertools
import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from pipeline import ConfigError, TrainingError, fit, load, model
from pipeline.fit.callbacks import BestWeights, ProgressBar, StopInTime, plateau
from pipeline.fit.compile import with_decay_of_averages
from pipeline.fit.loop import weights_of
from pipeline.fit.steps import batch_size

OPTIMIZERS = ["sgd", "adam", "adamw", "rmsprop", "muon"]
SCHEDULES = ["constant", "cosine", "exponential", "reduce_on_plateau"]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def arrays(n_rows: int = 50, task: str = "regression") -> Arrays:
    rng = np.random.default_rng(n_rows)
    x = rng.normal(size=(n_rows, 4)).astype(np.float32)
    y = x[:, :1] - 2 * x[:, 1:2]
    return x, (y if task == "regression" else (y > 0)).astype(np.float32), None


def trained(
    *overrides: str, train: Arrays | None = None, val: Arrays | None = None, task: str = "regression"
) -> tuple[keras.Model, fit.History, list[dict[str, float]]]:
    config = load("model.units=[6]", "data.task=auto", "fit.epochs=3", *overrides)
    train, val = train or arrays(task=task), val or arrays(20, task)
    fit.seed(config.seed)
    with fit.scope(config.fit):
        network = model.build(config.model, task=task, n_inputs=4, n_outputs=1)
        trainable = fit.compile_network(network, config.fit, task=task, n_rows=len(train[0]), output_scale=np.ones(1))
    seen: list[dict[str, float]] = []
    history = fit.fit(
        trainable, train, val, config.fit, seed=config.seed, report=lambda epoch, values: seen.append(values)
    )
    return network, history, seen


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [
        pytest.param(
            optimizer,
            schedule,
            # Others are looked at below, and among the updates of the textbooks.
            marks=[] if (schedule, optimizer) in (("constant", "rmsprop"), ("constant", "muon")) else pytest.mark.slow,
        )
        for optimizer, schedule in itertools.product(OPTIMIZERS, SCHEDULES)
    ],
)
def test_every_optimizer_with_every_schedule(optimizer: str, schedule: str) -> None:
    _, history, _ = trained(
        f"fit.optimizer={optimizer}", f"fit.schedule={schedule}", "fit.learning_rate=0.01", "fit.epochs=4"
    )
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]


@pytest.mark.parametrize("words", [[], ["fit.ema=0.9"], ["fit.execution=stock", "fit.ema=0.9"]])
def test_after_each_epoch_the_network_is_what_the_epoch_was_scored_by(words: list[str]) -> None:
    config = load("model.units=[6]", "data.task=auto", "fit.epochs=4", *words)
    train, val = arrays(), arrays(20)
    fit.seed(config.seed)
    network, probe = (model.build(config.model, task="regression", n_inputs=4, n_outputs=1) for _ in range(2))
    trainable = fit.compile_network(network, config.fit, task="regression", n_rows=50, output_scale=np.ones(1))
    found: list[float] = []

    def after_epoch(seen: fit.Snapshot) -> None:
        assert seen.epoch == len(found) + 1
        found.append(float(np.sqrt(np.mean(np.square(seen.outputs - val[1])))))
        probe.set_weights(seen.weights())
        np.testing.assert_allclose(probe(val[0]).numpy(), seen.outputs, rtol=1e-5)

    history = fit.fit(
        trainable, train, val, config.fit, seed=config.seed, report=lambda epoch, values: None, after_epoch=after_epoch
    )
    assert found == pytest.approx([epoch["val_rmse"] for epoch in history.epochs], rel=1e-5)
    unwatched, _, _ = trained("fit.epochs=4", *words)
    for one, other in zip(network.get_weights(), unwatched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (["fit.schedule=constant"], [0.1, 0.1, 0.1, 0.1]),
        (["fit.schedule=exponential", "fit.decay_rate=0.5"], [0.05, 0.025, 0.0125, 0.00625]),
        (["fit.schedule=cosine"], [0.05 * (1 + math.cos(math.pi * epoch / 4)) for epoch in (1, 2, 3, 4)]),
        (["fit.schedule=cosine", "fit.warmup_epochs=2"], [0.05, 0.1, 0.05, 0]),
    ],
)
def test_learning_rate_is_reported_as_the_schedule_has_it(schedule: list[str], rates: list[float]) -> None:
    _, _, seen = trained("fit.optimizer=sgd", "fit.learning_rate=0.1", "fit.epochs=4", *schedule)
    np.testing.assert_allclose([values["learning_rate"] for values in seen], rates, atol=1e-7)


def test_plateau_lowers_the_rate() -> None:
    val = arrays(20)[0], -arrays(20)[1], None  # the better the training, the worse this gets
    _, _, seen = trained(
        "fit.schedule=reduce_on_plateau", "fit.plateau_patience=1", "fit.learning_rate=0.1", "fit.epochs=4", val=val
    )
    assert seen[-1]["learning_rate"] == pytest.approx(0.1 * 0.5**2, rel=1e-5)


def test_early_stopping_brings_the_best_weights_back() -> None:
    val = arrays(20)[0], -arrays(20)[1], None
    network, history, _ = trained(
        "fit.epochs=20", "fit.early_stopping.patience=2", "fit.learning_rate=0.05", val=val, train=arrays()
    )
    best = min(epoch["val_loss"] for epoch in history.epochs)
    assert history.best_epoch is not None
    assert len(history.epochs) == history.best_epoch + 2 < 20
    assert history.epochs[history.best_epoch - 1]["val_loss"] == best
    assert np.mean((network(val[0]) - val[1]) ** 2) == pytest.approx(best, rel=1e-4)


def test_best_weights_come_back_also_when_the_epochs_run_out() -> None:
    val = arrays(20)[0], -arrays(20)[1], None
    network, history, _ = trained("fit.epochs=3", "fit.early_stopping.patience=50", val=val)
    assert history.best_epoch == 1
    assert np.mean((network(val[0]) - val[1]) ** 2) == pytest.approx(history.epochs[0]["val_loss"], rel=1e-4)


def test_without_patience_the_last_weights_are_kept() -> None:
    val = arrays(20)[0], -arrays(20)[1], None
    network, history, _ = trained("fit.early_stopping.patience=null", val=val)
    assert history.best_epoch is None
    assert np.mean((network(val[0]) - val[1]) ** 2) == pytest.approx(history.epochs[-1]["val_loss"], rel=1e-4)


def test_early_stopping_ignores_a_nan_at_the_start() -> None:
    callback = BestWeights(load("fit.early_stopping.patience=3").fit.early_stopping)
    network = model.build(load("model=linear").model, task="regression", n_inputs=4, n_outputs=1)
    callback.set_model(network)
    callback.on_train_begin()
    for epoch, value in enumerate([math.nan, 5.0, 3.0, 4.0]):
        callback.on_epoch_end(epoch, {"val_loss": value})
    assert (callback.best, callback.best_epoch) == (3.0, 2)


def test_no_epoch_is_kept_before_start_from_epoch() -> None:
    _, history, _ = trained("fit.early_stopping.start_from_epoch=10")
    assert history.best_epoch is None


def test_loss_that_becomes_nan_ends_the_run() -> None:
    with pytest.raises(
        TrainingError, match=r"the training loss became (nan|inf) in epoch \d; try a smaller fit.learning"
    ):
        trained("fit.optimizer=sgd", "fit.learning_rate=1e30")


@pytest.mark.parametrize(
    ("task", "override", "message"),
    [
        ("binary", "fit.early_stopping.monitor=val_rmse", "monitor: val_rmse is not logged for a binary task"),
        ("regression", "fit.early_stopping.monitor=accuracy", "monitor: accuracy is not logged for a regression"),
        ("regression", "fit.loss=binary_crossentropy", "fit.loss: binary_crossentropy does not suit a regression"),
        ("regression", "fit.class_weight=balanced", "fit.class_weight: a regression has no classes"),
    ],
)
def test_what_does_not_go_with_the_task(task: str, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(override, task=task)


@pytest.mark.parametrize("loss", ["huber", *(pytest.param(loss, marks=pytest.mark.slow) for loss in ("mse", "mae"))])
def test_losses_of_a_regression(loss: str) -> None:
    network, history, _ = trained(f"fit.loss={loss}", "fit.early_stopping.patience=null")
    x, y, _ = arrays(20)
    error = np.abs(network(x) - y)
    expected = {"mse": error**2, "mae": error, "huber": np.where(error <= 1, error**2 / 2, error - 0.5)}[loss]
    assert history.epochs[-1]["val_loss"] == pytest.approx(expected.mean(), rel=1e-4)


def test_metrics_are_in_original_units_and_exact_over_uneven_batches() -> None:
    x, y, _ = arrays(50)
    config = load("model=linear", "data.task=auto").model
    network = model.build(config, task="regression", n_inputs=4, n_outputs=1)
    stock = load("fit.execution=stock").fit
    trainable = fit.compile_network(network, stock, task="regression", n_rows=50, output_scale=np.array([7.0]))
    found = trainable.model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
    error = 7 * (network(x).numpy() - y)
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
    assert found["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)


def test_balanced_class_weights_count_each_class_the_same() -> None:
    x, y, _ = arrays(200, "binary")
    rare = np.concatenate([np.flatnonzero(y[:, 0] == 0), np.flatnonzero(y[:, 0] == 1)[:5]])
    one_sided = np.zeros_like(x), y, None  # inputs that tell nothing: the best guess is the share of the class
    train = tuple(None if part is None else part[rare] for part in one_sided)
    options = ["model=linear", "fit.optimizer=sgd", "fit.learning_rate=0.5", "fit.epochs=60", "fit.batch_size=full"]
    shares = []
    for kind in ("none", "balanced"):
        network, _, _ = trained(*options, f"fit.class_weight={kind}", train=train, val=train, task="binary")  # type: ignore[arg-type]
        shares.append(float(keras.ops.sigmoid(network(np.zeros((1, 4))))[0, 0]))
    assert shares[0] == pytest.approx(5 / len(rare), abs=0.02)
    assert shares[1] == pytest.approx(0.5, abs=0.02)


def test_balanced_class_weights_count_the_rows_own_weights() -> None:
    """With ten times the weight on each negative row the classes were still ten to one."""
    y = np.array([0, 0, 0, 0, 1, 1, 2], np.float32)[:, None]
    own = np.array([10, 10, 0, 0, 1, 3, 0], np.float32)
    weights = weights_of((np.zeros((7, 2), np.float32), y, own), load("fit.class_weight=balanced").fit)
    assert isinstance(weights, np.ndarray)
    assert [weights[y[:, 0] == number].sum() for number in range(3)] == pytest.approx([8, 8, 0])


def test_time_limit_does_not_take_compilation_for_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 40.0, 41.0, 59.5])  # begin, and the ends of three epochs
    monkeypatch.setattr("pipeline.fit.callbacks.time.monotonic", lambda: next(clock))
    model, stop = SimpleNamespace(stop_training=False), StopInTime(1.0, 0.0, 50)
    stop.set_model(model)
    stop.on_train_begin()
    stopped = []
    for epoch in range(3):
        stop.on_epoch_end(epoch)
        stopped.append(model.stop_training)
    assert stopped == [False, False, True]


def test_time_limit_is_no_reason_after_the_last_epoch(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    trained("fit.max_minutes=1e-6", "fit.epochs=1")
    assert "stopped after epoch" not in caplog.text


def test_plateau_goes_on_after_an_epoch_without_a_number() -> None:
    """Keras keeps a NaN of the first epoch as the best value, and lowers the rate at each patience."""
    config = load("fit.schedule=reduce_on_plateau", "fit.plateau_patience=1").fit
    (callback,) = plateau(config)
    optimizer = SimpleNamespace(learning_rate=1.0)
    callback.set_model(SimpleNamespace(optimizer=optimizer, metrics=[], stop_training=False))
    callback.on_train_begin()
    for epoch, value in enumerate([np.nan, 3.0, 2.0, 1.0]):
        callback.on_epoch_end(epoch, {"val_loss": value})
    assert optimizer.learning_rate == 1.0


def test_sample_weight_of_zero_is_as_if_the_row_were_absent() -> None:
    x, y, _ = arrays(50)
    spoiled, weight = y.copy(), np.ones(50, np.float32)
    spoiled[25:], weight[25:] = 1e3, 0
    options = ["model=linear", "fit.optimizer=sgd", "fit.batch_size=full", "fit.early_stopping.patience=null"]
    weighted, history, _ = trained(*options, "fit.learning_rate=0.02", train=(x, spoiled, weight))
    half, other, _ = trained(*options, "fit.learning_rate=0.01", train=(x[:25], y[:25], None))
    # Keras divides by the number of rows, not by their weights: half the rows, so half the step.
    np.testing.assert_allclose(weighted.get_weights()[0], half.get_weights()[0], rtol=1e-4)
    assert history.epochs[0]["rmse"] == pytest.approx(other.epochs[0]["rmse"], rel=1e-4)


def test_same_seed_same_weights_bit_by_bit() -> None:
    options = ["model.dropout=0.3", "model.batch_norm=true"]
    first, second, other = trained(*options)[0], trained(*options)[0], trained(*options, "seed=1")[0]
    for one, two in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


MIRRORED = ["fit.strategy=mirrored", "fit.devices=[CPU:0,CPU:1]"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_train", "n_val", "batch_size"),
    [(33, 1, "32"), (5, 3, "full"), (31, 7, "5")],
)
def test_two_replicas_with_odd_sizes(n_train: int, n_val: int, batch_size: str) -> None:
    network, history, _ = trained(
        *MIRRORED,
        "model.batch_norm=true",
        "fit.epochs=2",
        f"fit.batch_size={batch_size}",
        train=arrays(n_train),
        val=arrays(n_val),
    )
    assert all(np.isfinite(weight).all() for weight in network.get_weights())
    assert all(np.isfinite(list(epoch.values())).all() for epoch in history.epochs)


@pytest.mark.slow
def test_two_replicas_with_networks_of_different_width_in_a_row() -> None:
    for units in ("[4]", "[9,3]", "[4]"):
        trained(*MIRRORED, f"model.units={units}", "fit.epochs=1")


@pytest.mark.slow
@pytest.mark.parametrize("clip_norm", ["null", "0.1"])
def test_two_replicas_come_to_what_one_device_does(clip_norm: str) -> None:
    """Keras clips each replica's part of the gradient, so that its sum was up to twice as long."""
    options = ["fit.optimizer=sgd", "fit.batch_size=full", "fit.learning_rate=0.05", f"fit.clip_norm={clip_norm}"]
    mirrored, one = trained(*MIRRORED, *options)[0], trained(*options)[0]
    for ours, theirs in zip(mirrored.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["fit.strategy=mirrored"], "mirrored needs two devices or more, got no GPU"),
        (["fit.devices=[CPU:0]"], "fit.devices: .* got CPU:0; use fit.devices=null fit.strategy=auto"),
        (["fit.devices=[GPU:0,GPU:7]"], "fit.devices: unknown device GPU:0, GPU:7; TensorFlow sees CPU:0, CPU:1"),
        ([*MIRRORED, "fit.execution=compiled"], "fit.execution: compiled trains on one device"),
        (["fit.devices=[CPU:0,CPU:0]"], "a device is named twice"),
    ],
)
def test_devices_that_are_not_there(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(*overrides)


def test_keras_still_has_the_private_method_that_we_override() -> None:
    """Named in pyproject.toml as the reason for Keras's upper bound."""
    import inspect

    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

    assert list(inspect.signature(TensorFlowTrainer._maybe_symbolic_build).parameters) == [
        "self",
        "iterator",
        "data_batch",
    ]
    assert list(inspect.signature(keras.Model._symbolic_build).parameters) == ["self", "iterator", "data_batch"]


@pytest.mark.parametrize("decay", [0.0, 5.0])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("architecture", ["linear", "dense", "tabm"])
def test_weight_decay_reaches_kernels_and_nothing_else(architecture: str, optimizer: str, decay: float) -> None:
    """Muon let biases and the output layer decay by Keras's own 0.004, whatever was asked for."""
    config = load(
        f"model={architecture}", f"fit.optimizer={optimizer}", f"fit.weight_decay={decay}", "fit.learning_rate=0.01",
        "model.numeric_embedding=periodic",
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    x[:, 2] = 1
    rows = model.TrainingRows(x, x[:, :1], (0, 1))
    network = model.build(config.model, task="regression", n_inputs=3, n_outputs=1, categories=(4,), rows=rows)
    made = fit.compile_network(network, config.fit, task="regression", n_rows=8, output_scale=np.ones(1))
    variables = made.model.trainable_variables
    for variable in variables:
        variable.assign(np.ones(variable.shape))
    made.model.optimizer._apply_weight_decay(variables)
    for variable in variables:
        expected = 1 - decay * 0.01 if variable.name in ("kernel", "kernels") else 1.0
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6, err_msg=variable.path)


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["graph", "compiled"])
def test_members_train_on_batches_of_their_own(execution: str) -> None:
    keys = ["model=tabm", "model.members=3", "model.units=[8]", "model.numeric_embedding=none", "fit.batch_size=16"]
    keys += [f"fit.execution={execution}", "model.dropout=0", "fit.epochs=30", "fit.learning_rate=0.01"]
    together, apart = (trained(*keys, f"model.member_batches={way}")[2] for way in ("shared", "own"))
    assert apart[-1]["val_loss"] < 0.2 * apart[0]["val_loss"]
    assert apart[-1]["val_loss"] != together[-1]["val_loss"]


def test_batches_of_their_own_need_the_loop_in_the_graph() -> None:
    keys = ["model=tabm", "model.numeric_embedding=none", "model.member_batches=own", "fit.execution=stock"]
    with pytest.raises(ConfigError, match=r"model.member_batches: own needs fit.execution=graph"):
        trained(*keys)


@pytest.mark.parametrize(
    "execution", ["graph", *(pytest.param(name, marks=pytest.mark.slow) for name in ("stock", "compiled"))]
)
@pytest.mark.parametrize("patience", ["null", "5"])
def test_averages_are_scored_and_kept_and_training_goes_on_from_the_weights(execution: str, patience: str) -> None:
    """Also a guard of Keras's private list of averages."""
    x, y, _ = arrays(20)
    overrides = [
        "model.units=[]", "fit.optimizer=sgd", "fit.learning_rate=0.1", "fit.batch_size=full", "fit.epochs=4",
        f"fit.execution={execution}", f"fit.early_stopping.patience={patience}",
    ]  # fmt: skip
    network, _, seen = trained(*overrides, "fit.ema=0.5", train=(x, y, None), val=(x, y, None))
    kernel = trained(*overrides, "fit.epochs=1", train=(x, y, None))[0].get_weights()[0]  # after one step
    average, bias, rows = kernel.copy(), 0.0, np.asarray(x, np.float64)
    # The first step's weights are the average's start; gradient descent goes on by itself beside it.
    first = trained(*overrides, "fit.epochs=1", "fit.learning_rate=1e-30", train=(x, y, None))[0].get_weights()[0]
    weights, offset = first.astype(np.float64), np.zeros(1)
    found = []
    for step in range(4):
        residual = rows @ weights + offset - y
        weights = weights - 0.1 * 2 * rows.T @ residual / len(rows)
        offset = offset - 0.1 * 2 * residual.mean(axis=0)
        average = weights if step == 0 else 0.5 * average + 0.5 * weights
        bias = offset if step == 0 else 0.5 * bias + 0.5 * offset
        found.append(float(((rows @ average + bias - y) ** 2).mean()))
    assert [epoch["val_loss"] for epoch in seen] == pytest.approx(found, rel=1e-4)
    np.testing.assert_allclose(network.get_weights()[0], average, rtol=1e-4)


def test_no_epoch_begins_that_would_end_after_max_minutes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    network, history, seen = trained("fit.max_minutes=1e-6", "fit.epochs=50")
    assert len(seen) == 1
    assert history.best_epoch == 1
    assert "stopped after epoch 1: fit.max_minutes leaves no time for another" in caplog.text
    assert np.isfinite(network.get_weights()[0]).all()


@pytest.mark.parametrize(("n_rows", "size"), [(20, 20), (2799, 32), (2800, 64), (31_999, 256), (10**6, 1024)])
def test_batches_by_the_rows(n_rows: int, size: int) -> None:
    assert batch_size(load("fit.batch_size=auto").fit, n_rows) == size


@pytest.mark.parametrize(("epochs", "n_steps", "decay"), [(200, 5, 0.99), (10, 30, 0.99), (10, 29, 0.95)])
def test_averages_by_the_steps(epochs: int, n_steps: int, decay: float) -> None:
    config = load("fit.ema=auto", f"fit.epochs={epochs}").fit
    assert with_decay_of_averages(config, n_steps).ema == decay
    assert with_decay_of_averages(load("fit.ema=0.5").fit, n_steps).ema == 0.5


@pytest.mark.parametrize("stopped", [True, False])
def test_the_bar_says_that_it_was_stopped_before_its_end(stopped: bool) -> None:
    bar = ProgressBar()
    bar.set_params({"epochs": 50})
    bar.set_model(SimpleNamespace(stop_training=stopped))
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    bar.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    bar.on_train_end()
    assert bar._bar.tasks[0].fields["values"].endswith("stopped early") == stopped
