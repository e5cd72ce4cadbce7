"""Batch normalization with a small last batch: weighted, mirrored, on disk, in device batches, equal to stock Keras."""

import itertools
from collections.abc import Iterator

import keras
import numpy as np
import pytest

from pipeline import ConfigError, fit, load, model
from pipeline.config.rules import Fit
from pipeline.data.streaming.disk import DiskArray
from pipeline.fit import batching
from pipeline.fit.disk_batching import FromDisk
from pipeline.fit.epoch_randomness import order_of
from pipeline.fit.steps import steps_of
from pipeline.fit.trainable_model import TrainableModel

pytestmark = pytest.mark.slow

EPOCHS = 2
WAYS = {
    "graph": ["fit.execution=graph"],
    "compiled": ["fit.execution=compiled"],
    "stock": ["fit.execution=stock"],
    "mirrored": ["fit.strategy=mirrored", "fit.devices=[CPU:0,CPU:1]"],
}
NETWORKS = {
    "dense": ["model.units=[6]", "model.batch_norm=true"],
    "second layer only": ["model.units=[6,5]", "model.batch_norm=[false,true]"],
    "residual": ["model=residual", "model.blocks=1", "model.width=4", "model.dropout=0"],
}
CASES = [
    *itertools.product([(33, 32), (3, 2), (40, 16)], WAYS, ["dense"], ["memory"]),
    *itertools.product([(33, 32)], ["graph", "mirrored"], ["second layer only", "residual"], ["memory"]),
    *itertools.product([(33, 32), (65, 32)], ["graph"], ["dense"], ["device_batches"]),
    *itertools.product([(33, 32), (5, 2)], ["graph", "compiled", "mirrored"], ["dense"], ["disk"]),
]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def arrays(n_rows: int, weighted: bool) -> Arrays:
    rng = np.random.default_rng(n_rows)
    x = rng.normal(size=(n_rows, 4)).astype(np.float32)
    weight = np.where(np.arange(n_rows) % 5 == 1, 0, np.linspace(0.5, 2, n_rows)).astype(np.float32)
    return x, x[:, :1] - 2 * x[:, 1:2] + 3, weight if weighted else None


def on_disk(rows: Arrays) -> tuple[DiskArray | None, ...]:
    found = tuple(None if part is None else DiskArray(part.shape[1:], 2**20) for part in rows)
    for stored, part in zip(found, rows, strict=True):
        if stored is not None and part is not None:
            stored.append(part)
    return found


def made(n_rows: int, *words: str) -> tuple[TrainableModel, Fit]:
    # Not Adam, which makes steps of rounding where gradients are 0, as those of biases before a normalization are.
    config = load("data.task=auto", "fit.optimizer=sgd", "fit.learning_rate=0.05", f"fit.epochs={EPOCHS}",
                  "fit.early_stopping.patience=null", *words)  # fmt: skip
    fit.seed(0)
    with fit.scope(config.fit):
        x, y, _ = arrays(max(n_rows, 20), False)
        fitted_on = model.TrainingRows(x, y, range(4))
        network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1, rows=fitted_on)
        kept = fit.compile_network(network, config.fit, task="regression", n_rows=n_rows, output_scale=np.ones(1))
    return kept, config.fit


def batches(rows: Arrays, n_batch: int, network: keras.Model, where: str) -> Iterator[list[np.ndarray]]:
    """The batches of all epochs."""
    n_rows = len(rows[0])
    steps = steps_of(n_rows, min(n_batch, n_rows), network)
    for epoch in range(EPOCHS):
        if where == "disk":
            for device_batch in FromDisk(on_disk(rows), steps).device_batches(order_of(0, epoch)):
                for step in range(device_batch.n_steps):
                    yield [
                        part.numpy()[device_batch.numbers.numpy()[step]]
                        for part in device_batch.rows
                        if part is not None
                    ]
            continue
        full, last = np.split(order_of(0, epoch).permutation(n_rows), [steps.n_rows_of_full])
        for chosen in (*full.reshape(-1, steps.n_batch), *([last] if len(last) else [])):
            yield [part[chosen] for part in rows if part is not None]


def of_two_replicas(batch: list[np.ndarray]) -> list[np.ndarray]:
    """The batch with the weights that Keras gives rows of two devices: its loss is the mean of the devices' means."""
    x, y, *weight = batch
    n_rows, first = len(x), -(-len(x) // 2)
    shares = np.where(np.arange(n_rows) < first, n_rows / (2 * first), n_rows / (2 * max(1, n_rows - first)))
    return [x, y, (shares * (weight[0] if weight else 1)).astype(np.float32)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("size", "way", "network", "where"), CASES)  # rows and batch
def test_a_small_rest_is_as_stock_keras_has_it(
    size: tuple[int, int], way: str, network: str, where: str, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows, n_batch = size
    words = [*NETWORKS[network], f"fit.batch_size={n_batch}"]
    rows = arrays(n_rows, weighted)
    expected, _ = made(n_rows, *words, "fit.execution=stock")
    for batch in batches(rows, n_batch, expected.model, where):
        expected.model.train_on_batch(*(of_two_replicas(batch) if way == "mirrored" else batch))
    if where == "device_batches":
        monkeypatch.setattr(batching, "DEVICE_BATCH_BYTES", 500)
        monkeypatch.setattr(batching, "SHARE_OF_MEMORY", 0.0)
    found, config = made(n_rows, *words, *WAYS[way])
    given, val = (on_disk(part) if where == "disk" else part for part in (rows, arrays(7, weighted)))
    fit.fit(found, given, val, config, seed=0, report=lambda epoch, values: None)
    for ours, theirs in zip(found.network.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize("embedding", ["none", "periodic"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n_rows", [9, 1])
def test_what_is_said_of_batches_of_one_row_works(network: str, n_rows: int, embedding: str) -> None:
    words = [*NETWORKS[network], f"model.numeric_embedding={embedding}", "fit.batch_size=1"]
    with pytest.raises(ConfigError, match="batch normalization needs two or more") as error:
        made(n_rows, *words)
    remedies = [word.strip(",") for word in str(error.value).split() if "=" in word]
    assert remedies
    for remedy in remedies:
        made(n_rows, *words, remedy)
