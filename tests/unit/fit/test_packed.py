"""Networks that train as one come to what each comes to alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import Config, TrainingError, fit, load, model
from pipeline.fit import compile as compiling
from pipeline.fit.epoch_randomness import order_of
from pipeline.fit.history import History
from pipeline.fit.packed import Job, Pack, layers_of, packs, shape, threefry, training, why_alone
from pipeline.fit.packed.compiled_steps import CompiledSteps, compiled_steps_of
from pipeline.fit.packed.embeddings import EmbeddingLayers
from pipeline.fit.packed.stack import Network, aligned, values_of
from pipeline.fit.variable_clone import threefry_seed

N_ROWS, N_BATCH = 200, 32
TASKS = {"regression": ("california_housing", 2), "binary": ("breast_cancer", 1), "multiclass": ("iris", 3)}
Rows = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def rows(task: str, n_rows: int = N_ROWS, weighed: bool = True, categories: Sequence[int] = ()) -> Rows:
    """Five inputs, of which the last are numbers of categories."""
    rng = np.random.default_rng(n_rows)
    x = rng.normal(size=(n_rows, 5)).astype(np.float32)
    score = x[:, :2] @ np.array([[1.0, 0.5], [-2.0, 1.0]], np.float32) + 0.3 * rng.normal(size=(n_rows, 2))
    y = {
        "regression": score, "binary": score[:, :1] > 0, "multiclass": np.digitize(score[:, :1], [-1, 1])
    }[task].astype(np.float32)  # fmt: skip
    for column, n in enumerate(categories, start=5 - len(categories)):
        x[:, column] = rng.integers(n, size=n_rows)
    return x, y, np.linspace(0.5, 1.5, n_rows, dtype=np.float32) if weighed else None


def config_of(task: str, *words: str) -> Config:
    return load(
        f"data={TASKS[task][0]}", "model.units=[16,8]", f"fit.batch_size={N_BATCH}", "fit.epochs=3",
        "fit.early_stopping.patience=null", "fit.execution=compiled", *words,
    )  # fmt: skip


def network_of(config: Config, task: str, categories: Sequence[int] = ()) -> keras.Model:
    fit.seed(config.seed)
    x, y, _ = rows(task, categories=categories)
    fitted_on = model.TrainingRows(x, y, range(5 - len(categories)))
    return model.build(
        config.model, task=task, n_inputs=5, n_outputs=TASKS[task][1], categories=categories, rows=fitted_on
    )


SCALE = {"regression": np.array([3.0, 0.5]), "binary": np.ones(1), "multiclass": np.ones(1)}


def alone(
    config: Config, task: str, n_rows: int = N_ROWS, categories: Sequence[int] = ()
) -> tuple[keras.Model, History]:
    network = network_of(config, task, categories)
    trainable = fit.compile_network(network, config.fit, task=task, n_rows=n_rows, output_scale=SCALE[task])
    train, val = rows(task, n_rows, categories=categories), rows(task, 70, categories=categories)
    return network, fit.fit(trainable, train, val, config.fit, seed=config.seed, report=lambda epoch, values: None)


def together(
    configs: Sequence[Config],
    task: str,
    n_rows: int = N_ROWS,
    report: Any = lambda epoch, values: None,
    categories: Sequence[int] = (),
) -> tuple[list[keras.Model], dict[int, History | Exception]]:
    assert all(why_alone(config.model, config.fit) is None for config in configs)
    assert len({shape(config.model, config.fit) for config in configs}) == 1
    networks = [network_of(config, task, categories) for config in configs]
    jobs = [Job(one, config.fit, config.seed) for one, config in zip(networks, configs, strict=True)]
    train, val = rows(task, n_rows, categories=categories), rows(task, 70, categories=categories)
    with Pack(jobs, train, val, task=task, output_scale=SCALE[task]) as pack:
        return networks, dict(itertools.chain.from_iterable(pack.train(dict.fromkeys(range(len(jobs)), report))))


def assert_alike(ours: keras.Model, theirs: keras.Model, tolerance: float) -> None:
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.fixture
def float64() -> Iterator[None]:
    for dtype in ("float64", "float32"):
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        if dtype == "float64":
            yield


def slow(cases: Sequence[Any]) -> list[Any]:
    return [pytest.param(*(case if isinstance(case, tuple) else [case]), marks=pytest.mark.slow) for case in cases]


OPTIMIZERS = [
    ["fit.optimizer=adam"],
    ["fit.optimizer=sgd"],
    ["fit.optimizer=sgd", "fit.momentum=0.9"],
    ["fit.optimizer=sgd", "fit.momentum=0.9", "fit.nesterov=true"],
    ["fit.optimizer=rmsprop"],
    ["fit.optimizer=rmsprop", "fit.momentum=0.5"],
    ["fit.optimizer=adamw", "fit.weight_decay=0.125"],
]
MORE = [
    ["fit.optimizer=adam", "fit.clip_norm=0.3"],
    ["fit.optimizer=adam", "fit.ema=0.9"],
    ["fit.optimizer=adam", "fit.schedule=exponential"],
    ["fit.optimizer=sgd", "fit.schedule=cosine"],
]
EMBEDDED = [
    ["model.numeric_embedding=piecewise_linear", "fit.optimizer=adamw", "fit.weight_decay=0.125"],
    ["model.numeric_embedding=target_bins", "fit.optimizer=rmsprop", "fit.ema=0.9"],
    ["model.numeric_embedding=periodic", "fit.optimizer=adamw", "fit.clip_norm=0.3"],
    ["model.numeric_embedding=cosine", "fit.optimizer=sgd", "fit.momentum=0.9"],
]
OWN = [  # strengths are powers of 2: Keras rounds them to single precision
    ["seed=0", "fit.learning_rate=0.01"],
    [
        "seed=0",
        "model.units=[8,20]",
        "fit.learning_rate=0.003",
        "model.l2=0.0078125",
        "model.l1=[0.0009765625,0,0.001953125]",
    ],
    ["seed=1", "model.units=[12]", "fit.learning_rate=0.02", "model.initializer=glorot_uniform"],
]


@pytest.mark.slow
@pytest.mark.parametrize("words", OPTIMIZERS + MORE + EMBEDDED, ids=" ".join)
@pytest.mark.usefixtures("float64")
def test_a_member_comes_to_what_keras_comes_to_alone(words: list[str]) -> None:
    """In double precision, so that nothing but the rules can differ."""
    configs = [config_of("regression", *words, *own, "fit.epochs=1") for own in OWN]
    networks, ended = together(configs, "regression")
    x, y, weight = rows("regression")
    for number, config in enumerate(configs):
        expected = network_of(config, "regression")
        n_steps = -(-N_ROWS // N_BATCH)
        rate = compiling._schedule(config.fit, tf.constant(config.fit.learning_rate, tf.float64), n_steps)
        rate = rate if callable(rate) else config.fit.learning_rate
        expected.compile(
            optimizer=compiling._optimizer(config.fit, rate, 1.0), loss=compiling.loss_of(config.fit, "regression")
        )
        order = order_of(config.seed, 0).permutation(N_ROWS)
        for start in range(0, N_ROWS, N_BATCH):
            chosen = order[start : start + N_BATCH]
            expected.train_on_batch(x[chosen], y[chosen], weight[chosen])
        expected.optimizer.finalize_variable_values(expected.trainable_weights)
        assert networks[number].dtype == "float64"
        assert isinstance(ended[number], History)
        assert_alike(networks[number], expected, 1e-9)


@pytest.mark.parametrize("task", ["regression", *slow(["binary", "multiclass"])])
def test_a_member_comes_to_what_its_run_comes_to_alone(task: str) -> None:
    """With dropout, in single precision: 18 steps of full batches. Of the regression's members two share a seed."""
    own = [["model.dropout=0.2"], ["seed=3", "model.dropout=[0.0,0.4]", "model.l2=0.003", "fit.learning_rate=0.005"]]
    if task == "regression":
        own.append(["model.dropout=0.5"])
    configs = [config_of(task, "fit.schedule=cosine", "fit.warmup_epochs=0.5", *words) for words in own]
    networks, ended = together(configs, task, n_rows=6 * N_BATCH)
    for number, config in enumerate(configs):
        network, expected = alone(config, task, n_rows=6 * N_BATCH)
        assert_alike(networks[number], network, 1e-4)
        found = ended[number]
        assert isinstance(found, History)
        for ours, theirs in zip(found.epochs, expected.epochs, strict=True):
            assert ours.keys() == theirs.keys()
            for name in set(ours) - {"seconds"}:
                assert ours[name] == pytest.approx(theirs[name], rel=1e-3), name


UNLIKE = [
    ["model.units=[16,8]", "model.dropout=0.2"],
    ["model.units=[20]", "model.dropout=0.3", "model.l1=[0.01,0.002]"],
    ["model.units=[7,11]", "model.dropout=[0.0,0.4]", "model.l2=0.01", "seed=2"],
    ["model.units=[3,8,4]", "model.dropout=0.1"],
    ["model.units=[]", "fit.weight_decay=0.1"],
]


@pytest.mark.parametrize(("activation", "n"), [("relu", 3), *slow([("softplus", 2), ("sigmoid", 5)])])
def test_members_of_other_widths_and_depths_come_to_what_they_come_to_alone(activation: str, n: int) -> None:
    """Sigmoid and softplus of padding are not 0."""
    configs = [
        config_of("binary", f"model.activation={activation}", "fit.optimizer=adamw", *words) for words in UNLIKE[:n]
    ]
    networks, ended = together(configs, "binary", n_rows=6 * N_BATCH)
    for number, config in enumerate(configs):
        network, expected = alone(config, "binary", n_rows=6 * N_BATCH)
        assert_alike(networks[number], network, 1e-4)
        found = ended[number]
        assert isinstance(found, History)
        assert found.epochs[-1]["loss"] == pytest.approx(expected.epochs[-1]["loss"], rel=1e-4)
        assert found.epochs[-1]["val_loss"] == pytest.approx(expected.epochs[-1]["val_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("embedding", "categories", "compared"),
    [
        ("periodic", (9, 30), [1]),
        *slow(
            [
                ("none", (9, 30), [0, 1]),
                ("piecewise_linear", (), [0, 1]),
                ("target_bins", (30,), [0, 1]),
                ("cosine", (), [0, 1]),
            ]
        ),
    ],
)
def test_networks_with_embeddings_come_to_what_they_come_to_alone(
    embedding: str, categories: tuple[int, ...], compared: list[int]
) -> None:
    words = [
        f"model.numeric_embedding={embedding}", "fit.optimizer=adamw", "fit.clip_norm=0.5", "fit.ema=0.9",
        "fit.learning_rate=0.01",
    ]  # fmt: skip
    own = [
        ["model.dropout=0.2", "fit.weight_decay=0.2"],
        ["model.units=[20]", "model.l2=0.01", "model.embedding_scale=0.7", "seed=2"],
    ]
    configs = [config_of("binary", *words, *more) for more in own]
    networks, ended = together(configs, "binary", 6 * N_BATCH, categories=categories)
    for number in compared:
        network, expected = alone(configs[number], "binary", 6 * N_BATCH, categories)
        assert_alike(networks[number], network, 1e-4)
        found = ended[number]
        assert isinstance(found, History)
        assert found.epochs[-1]["val_loss"] == pytest.approx(expected.epochs[-1]["val_loss"], rel=1e-4)


def test_only_networks_with_equal_embeddings_share_a_program_or_a_pack() -> None:
    def made(*words: str) -> tuple[Job, CompiledSteps]:
        config = config_of("regression", *words)
        network = network_of(config, "regression")
        layers = layers_of(network)
        assert layers is not None
        alike = aligned([layers.dense])
        values = values_of(alike, [0.1], [0.0], [0])
        function = Network.of(alike, values, EmbeddingLayers.of(layers.embeddings))
        return Job(network, config.fit, 0), compiled_steps_of(function, config.fit, "regression")

    bins, waves = "model.numeric_embedding=piecewise_linear", "model.numeric_embedding=periodic"
    (first, program), (second, other) = made(bins, "model.embedding_bins=4"), made(bins, "model.embedding_bins=5")
    assert program is not other
    assert program is made(bins, "model.embedding_bins=4")[1]
    assert made(waves)[1] is made(waves, "model.embedding_scale=2.0")[1]
    assert made(waves)[1] is not made("model.numeric_embedding=cosine")[1]
    with pytest.raises(ValueError, match="networks of a pack must have equal embeddings"):
        Pack([first, second], rows("regression"), rows("regression", 70), task="regression", output_scale=np.ones(2))


def test_padding_at_most_doubles_the_work_of_a_network() -> None:
    assert packs([[8], [1024], [8], [1024]], 8) == [[1, 3], [0, 2]]
    assert packs([[32], [64], [64, 64], [128, 64]] * 2, 8) == [[3, 7, 2, 6], [1, 5, 0, 4]]
    assert packs([[128], [30, 40], [120], [40, 30]], 8) == [[0, 2], [3, 1]]
    assert packs([[], [1], []], 8) == [[1, 0, 2]]
    assert packs([[16]] * 5, 2) == [[0, 1], [2, 3], [4]]
    assert packs([], 2) == []


def test_dropout_draws_what_xla_draws_for_each_and_other_units_in_each_epoch() -> None:
    seeds, count = tf.constant([5, 2**31 + 7], tf.uint32), 3 * 2**32 + 9

    @tf.function(jit_compile=True)
    def draw() -> Any:
        keys = threefry_seed(seeds, tf.constant(count, tf.int64))
        ours = threefry.bits(keys, 7)
        theirs = [
            tf.random.stateless_uniform(
                [7], tf.cast(tf.stack([keys[0][member], keys[1]]), tf.int64), None, None, tf.uint32, alg="threefry"
            )
            for member in range(2)
        ]
        return ours, tf.stack(theirs)

    ours, theirs = draw()
    np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(
        threefry_seed(5, tf.constant(9, tf.int64)), threefry_seed(5, tf.constant(count, tf.int64))
    )


@pytest.mark.slow
def test_members_stop_each_at_its_own_epoch_and_one_that_diverges_harms_no_other() -> None:
    stopping = "fit.early_stopping.patience=2"
    own = [
        [stopping, "fit.learning_rate=0.05", "model.units=[9]"], [stopping, "fit.learning_rate=1e30"],
        ["fit.early_stopping.patience=0", "fit.early_stopping.min_delta=10"], ["fit.epochs=9"],
    ]  # fmt: skip
    configs = [config_of("regression", "fit.epochs=30", "fit.optimizer=sgd", *words) for words in own]
    networks, ended = together(configs, "regression")
    for number in (0, 2, 3):
        network, expected = alone(configs[number], "regression")
        found = ended[number]
        assert isinstance(found, History)
        assert (len(found.epochs), found.best_epoch) == (len(expected.epochs), expected.best_epoch)
        assert_alike(networks[number], network, 1e-4)
    assert isinstance(ended[1], TrainingError)
    assert "the training loss became" in str(ended[1])
    assert list(ended) != sorted(ended)  # each is given when it ends


@pytest.mark.slow
def test_a_plateau_lowers_a_members_own_rate() -> None:
    words = ["fit.schedule=reduce_on_plateau", "fit.plateau_patience=1", "fit.epochs=12"]
    configs = [config_of("regression", *words, f"fit.learning_rate={rate}") for rate in (0.2, 0.01)]
    networks, ended = together(configs, "regression")
    rates = []
    for number, config in enumerate(configs):
        network, expected = alone(config, "regression")
        found = ended[number]
        assert isinstance(found, History)
        rates.append([epoch["learning_rate"] for epoch in found.epochs])
        assert rates[-1] == pytest.approx([epoch["learning_rate"] for epoch in expected.epochs])
        assert_alike(networks[number], network, 1e-3)
    assert min(rates[0]) < 0.2


@pytest.mark.slow
def test_what_a_report_raises_ends_its_member_alone_and_a_pack_that_is_half_empty_is_made_smaller(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training, "COMPILE_SECONDS", 0.0)
    caplog.set_level("INFO", "pipeline.fit")

    class EndedError(Exception):
        pass

    def report(epoch: int, values: dict[str, float]) -> None:
        if epoch == 2 and len(reported) < 14:
            reported.append(epoch)
            raise EndedError

    reported: list[int] = []
    shapes = ["model.units=[16,8]", "model.units=[9]"]
    configs = [config_of("binary", f"seed={seed}", shapes[seed % 2], "fit.epochs=4") for seed in range(18)]
    networks, ended = together(configs, "binary", report=report)
    assert "4 of 18 networks are left" in caplog.text
    assert [type(ended[number]) for number in range(18)] == [EndedError] * 14 + [History] * 4
    for number in (16, 17):
        assert_alike(networks[number], alone(configs[number], "binary")[0], 1e-4)


def test_jobs_that_train_alone() -> None:
    for words, why in (
        (["model=residual"], "model=residual is not a plain stack of dense layers"),
        (["model.batch_norm=[true,false]"], "model.batch_norm"),
        (["fit.max_minutes=1"], "fit.max_minutes counts its own time"),
        (["fit.execution=graph"], "fit.execution=graph"),
    ):
        config = load("data=iris", *words)
        assert why_alone(config.model, config.fit) == why
    shapes = {
        shape(config.model, config.fit)
        for words in (
            [], ["model.dropout=0.1"], ["fit.learning_rate=0.1"], ["model.l1=1.0"], ["fit.epochs=7"],
            ["fit.early_stopping.patience=3"], ["seed=4"], ["model.initializer=zeros"], ["model.units=[8]"],
            ["model.embedding_scale=0.3"],
        )
        for config in [load("data=iris", *words)]
    }  # fmt: skip
    assert len(shapes) == 1


def test_a_job_without_a_report_is_left_out() -> None:
    """Its run could not be opened."""
    configs = [config_of("regression", f"seed={seed}") for seed in range(3)]
    jobs = [Job(network_of(config, "regression"), config.fit, config.seed) for config in configs]
    before = jobs[1].network.get_weights()
    with Pack(jobs, rows("regression"), rows("regression", 70), task="regression", output_scale=np.ones(2)) as pack:
        ended = dict(itertools.chain.from_iterable(pack.train(dict.fromkeys([0, 2], lambda epoch, values: None))))
    assert ended.keys() == {0, 2}
    np.testing.assert_array_equal(before[0], jobs[1].network.get_weights()[0])
    assert_alike(jobs[2].network, alone(configs[2], "regression")[0], 1e-4)


@pytest.mark.parametrize("words", [[], ["model.numeric_embedding=periodic"]])
def test_weights_that_are_kept_do_not_keep_those_of_the_other_members(words: list[str]) -> None:
    configs = [config_of("regression", "fit.epochs=2", f"seed={seed}", *words) for seed in range(3)]
    jobs = [Job(network_of(config, "regression"), config.fit, config.seed) for config in configs]
    with Pack(jobs, rows("regression"), rows("regression", 70), task="regression", output_scale=np.ones(2)) as pack:
        next(iter(pack.train(dict.fromkeys(range(3), lambda epoch, values: None))))
        (first, *_) = pack.snapshots().values()
        assert all(weight.flags.owndata for weight in first.weights())


@pytest.mark.parametrize(("task", "words"), [("regression", ["fit.ema=0.9"]), ("multiclass", [])])
def test_networks_in_training_are_shown_after_each_epoch(task: str, words: list[str]) -> None:
    """In a pack that two threads train, which becomes smaller."""
    n_epochs = [2] * 12 + [4] * 4
    configs = [config_of(task, f"fit.epochs={n}", f"seed={seed}", *words) for seed, n in enumerate(n_epochs)]
    jobs = [Job(network_of(config, task), config.fit, config.seed) for config in configs]
    val, shown = rows(task, 70), []
    probe = network_of(configs[0], task)
    with Pack(jobs, rows(task), val, task=task, output_scale=SCALE[task]) as pack:
        pack._wasted = training.COMPILE_SECONDS
        for _ in pack.train(dict.fromkeys(range(16), lambda epoch, values: None)):
            found = pack.snapshots()
            shown.append((list(found), {one.epoch for one in found.values()}))
            for one in found.values():
                probe.set_weights(one.weights())
                np.testing.assert_allclose(one.outputs, probe(val[0]).numpy(), rtol=1e-4, atol=1e-5)
    assert shown == [(list(range(16)), {1}), (list(range(12, 16)), {2}), (list(range(12, 16)), {3}), ([], set())]
