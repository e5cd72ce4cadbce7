"""Small networks trained by blocks and by stock Keras, for the tests of both."""

import keras
import numpy as np
import pytest

from pipeline import fit, load, model
from pipeline.fit.epoch_randomness import order_of
from pipeline.fit.steps import steps_of
from pipeline.fit.trainable_model import TrainableModel

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]


EXECUTIONS = ["graph", pytest.param("compiled", marks=pytest.mark.slow)]


def arrays(n_rows: int = 50) -> Arrays:
    rng = np.random.default_rng(n_rows)
    x = rng.normal(size=(n_rows, 4)).astype(np.float32)
    return x, x[:, :1] - 2 * x[:, 1:2], np.linspace(0, 2, n_rows, dtype=np.float32)


def trainable(*overrides: str, n_rows: int = 50) -> TrainableModel:
    config = load("model.units=[6]", "data.task=auto", "fit.batch_size=8", "fit.learning_rate=0.01", *overrides)
    fit.seed(config.seed)
    network = model.build(config.model, task="regression", n_inputs=4, n_outputs=1)
    return fit.compile_network(
        network, config.fit, task="regression", n_rows=n_rows, output_scale=np.full(1, 1.0 + config.seed)
    )


def trained(*overrides: str, epochs: int = 1, seed: int = 0, rows: Arrays | None = None) -> tuple[TrainableModel, dict]:
    """By blocks; the network has the weights in the end."""
    x, y, weight = rows or arrays()
    found = trainable(*overrides, n_rows=len(x))
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


class Batches(keras.utils.PyDataset):
    """Batches of the rows of these numbers, as Keras takes them."""

    def __init__(self, numbers: list[np.ndarray]) -> None:
        super().__init__()
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Arrays:
        x, y, weight = arrays()
        chosen = self._numbers[index]
        return x[chosen], y[chosen], weight[chosen]


def trained_by_keras(*overrides: str, epochs: int = 1, seed: int = 0) -> tuple[TrainableModel, dict]:
    """By stock steps, in the order and the batches in which blocks take the rows."""
    found, logs = trainable("fit.execution=stock", *overrides), {}
    steps = steps_of(50, 8, found.model)
    for epoch in range(epochs):
        full, last = np.split(order_of(seed, epoch).permutation(50), [steps.n_rows_of_full])
        batches = Batches([*full.reshape(-1, 8), *([last] if len(last) else [])])
        history = found.model.fit(batches, validation_data=arrays(20), shuffle=False, verbose=0)
        logs = {name: values[-1] for name, values in history.history.items()}
    found.bring_back()
    return found, logs
