"""What is trained: three works on real tables, and a wide one where arithmetic is all that counts."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(os.environ.get("PIPELINE_DATA", Path(__file__).parents[2] / "shared" / "data"))


BINS, VECTOR = 48, 16  # of the embeddings of TabM's inputs


class Rows(NamedTuple):
    """Scaled float32 rows as a network sees them; classes as numbers, `(n_rows, 1)`."""

    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray


@dataclass(frozen=True)
class Work:
    """A network, its rows and how it is trained: Adam, learning rate 0.001, ReLU."""

    name: str
    title: str
    costs: str  # time, on two CPU cores
    n_inputs: int
    units: tuple[int, ...]
    batch_size: int
    epochs_per_turn: int
    n_outputs: int = 1
    dropout: float = 0.0
    members: int = 0  # of TabM, on 48 bins and vectors of 16 per input; 0: a network by itself
    task: str = "regression"
    rows: tuple[str, ...] = ()  # overrides of the pipeline's config that pick them; none: they are drawn
    files: tuple[str, ...] = ()  # under DATA, that they come from

    def missing(self) -> list[str]:
        """Files that it needs and that are not there."""
        return [name for name in self.files if not (DATA / name).exists()]

    def flops_per_row(self) -> float:
        """Floating-point operations of one row in training: two per weight forward, four backward.

        The gradient of the inputs, two for each weight of the first layer, nobody needs.
        """
        embedded = self.n_inputs * VECTOR if self.members else self.n_inputs
        sizes = (embedded, *self.units, self.n_outputs)
        weights = [fan_in * fan_out for fan_in, fan_out in itertools.pairwise(sizes)]
        if self.members:  # and of embedded inputs the gradient is needed
            return self.members * 6 * sum(weights) + 4 * BINS * embedded
        return 6 * sum(weights) - 2 * weights[0]


CALIFORNIA = ("california_housing/california_sklearn.csv", "splits/california.npz")
CALIFORNIA_ROWS = (
    "experiment=california",
    f"data.path={DATA / CALIFORNIA[0]}",
    f"data.split.path={DATA / CALIFORNIA[1]}",
)
MNIST = ("mnist/mnist.npz",)
WORKS = {
    work.name: work
    for work in (
        Work(
            name="mnist",
            title="MNIST 784-256-10, batch 64",
            costs="2 minutes",
            rows=("experiment=mnist_mlp", f"data.path={DATA / MNIST[0]}"),
            files=MNIST,
            task="multiclass",
            n_inputs=784,
            units=(256,),
            n_outputs=10,
            batch_size=64,
            epochs_per_turn=4,
        ),
        Work(
            name="california_32",
            title="California housing 8-64-64-1, batch 32",
            costs="30 seconds",
            rows=CALIFORNIA_ROWS,
            files=CALIFORNIA,
            n_inputs=8,
            units=(64, 64),
            batch_size=32,
            epochs_per_turn=10,
        ),
        Work(
            name="california_256",
            title="California housing 8-208-208-1, dropout 0.2, batch 256",
            costs="30 seconds",
            rows=CALIFORNIA_ROWS,
            files=CALIFORNIA,
            n_inputs=8,
            units=(208, 208),
            dropout=0.2,
            batch_size=256,
            epochs_per_turn=10,
        ),
        Work(
            name="tabm",
            title="California housing, TabM of 16 members, 48 bins an input, 2 x 256, dropout 0.1, batch 256",
            costs="4 minutes",
            rows=CALIFORNIA_ROWS,
            files=CALIFORNIA,
            n_inputs=8,
            units=(256, 256),
            dropout=0.1,
            members=16,
            batch_size=256,
            epochs_per_turn=6,
        ),
        Work(
            name="wide",
            title="100 000 drawn rows, 128-1024-1024-1024-1024-1, batch 1024",
            costs="10 minutes",
            n_inputs=128,
            units=(1024,) * 4,
            batch_size=1024,
            epochs_per_turn=3,
        ),
    )
}


def load_rows(work: Work) -> Rows:
    """The rows of a work, preprocessed by the pipeline's own data stage; the wide ones are drawn."""
    if not work.rows:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(110_000, work.n_inputs)).astype(np.float32)
        y = np.sin(x[:, :1] * 2) + x[:, 1:2] * x[:, 2:3] + 0.1 * rng.normal(size=(len(x), 1)).astype(np.float32)
        return Rows(x[:100_000], y[:100_000].astype(np.float32), x[100_000:], y[100_000:].astype(np.float32))
    from pipeline import data, load

    config = load(*work.rows).data
    dataset = data.load(config)
    train, val = dataset.arrays(dataset.fit(config))
    return Rows(train.x, train.y, val.x, val.y)


def loss(work: Work, predictions: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error, or mean cross-entropy of logits in nats."""
    if work.task == "regression":
        return float(np.mean((predictions.reshape(y.shape) - y) ** 2, dtype=np.float64))
    logits = predictions.astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(y)), y[:, 0].astype(int)]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen))
