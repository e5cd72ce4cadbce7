"""Sixty-four trials trained as one network, beside one run of stock Keras; and what a member of a large pack costs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.works import DATA

EPOCHS = 50
TABLE, SPLIT = DATA / "california_housing/california_sklearn.csv", DATA / "splits/california.npz"
TRIALS = [
    "data=california_housing", f"data.path={TABLE}", f"data.split.path={SPLIT}", "model.units=[64,64]",
    "fit.batch_size=32", f"fit.epochs={EPOCHS}", "fit.early_stopping.patience=null",
    "fit.learning_rate=0.0005,0.001,0.002,0.004", "model.dropout=0.05,0.1", "model.l2=0.0,1e-5", "seed=0,1,2,3",
]  # fmt: skip
BUILD = "PACKED_BEFORE"  # variable: the folder of another build, which runs the same trials one by one
MEMBERS, REPEATS = 256, 3


def whole_command() -> None:
    """Times the sweep from its start to its exit, and the others beside it."""
    print(f"packed, 64 trials: {_timed(_sweep('hydra/launcher=packed'), Path.cwd())}", flush=True)
    print(f"packed, one run of stock Keras: {_timed(['-m', 'benchmarks.packed'], Path.cwd())}", flush=True)
    if before := os.environ.get(BUILD):
        print(f"packed, the same trials by {before}: {_timed(_sweep(), Path(before))}", flush=True)


def _sweep(*words: str) -> list[str]:
    return ["-m", "pipeline", "train", "-m", *TRIALS, *words]


def _timed(words: Sequence[str], folder: Path) -> str:
    """Seconds and memory of a command."""
    with tempfile.TemporaryDirectory() as made:
        places = [f"tracking.uri=sqlite:///{made}/mlflow.db", f"hydra.sweep.dir={made}/hydra"]
        environment = os.environ | {
            "PYTHONPATH": str(folder),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PIPELINE_SPOOL": f"{made}/spool",
        }
        start = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, *words, *(places if "pipeline" in words else [])],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
    if ended.returncode:
        sys.exit(f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return f"{seconds:.1f} s, at most {largest:.2f} GB so far"


def _keras() -> None:
    """One network as Keras trains it by itself."""
    import keras
    import numpy as np
    import pandas as pd

    table, split = pd.read_csv(TABLE).to_numpy("float32"), np.load(SPLIT)
    train, val = table[split["train"]], table[split["val"]]
    mean, deviation = train.mean(0), train.std(0)
    (x, y), (x_val, y_val) = (np.split((rows - mean) / deviation, [-1], axis=1) for rows in (train, val))
    penalty = keras.regularizers.L2(1e-5)
    layers = [keras.Input((x.shape[1],))]
    for _ in range(2):
        layers += [keras.layers.Dense(64, "relu", kernel_regularizer=penalty), keras.layers.Dropout(0.1)]
    network = keras.Sequential([*layers, keras.layers.Dense(1, kernel_regularizer=penalty)])
    network.compile(keras.optimizers.Adam(0.001), "mse")
    network.fit(x, y, batch_size=32, epochs=EPOCHS, validation_data=(x_val, y_val), verbose=0)


def large_pack() -> None:
    """Seconds an epoch of many wide networks at batch 256, and of one alone."""
    import keras
    import numpy as np

    from pipeline import fit, load, model
    from pipeline.fit.packed import Job, Pack

    rng = np.random.default_rng(0)
    train, val = ((*np.split(rng.normal(size=(n, 9)).astype("float32"), [8], axis=1), None) for n in (5_120, 512))
    own = ["data=california_housing", "model.units=[208,208]", "fit.batch_size=256", "fit.execution=compiled",
           f"fit.epochs={REPEATS + 1}", "fit.early_stopping.patience=null"]  # fmt: skip
    config = load(*own)

    def network(seed: int) -> keras.Model:
        fit.seed_layers(seed)
        return model.build(config.model, task="regression", n_inputs=8, n_outputs=1)

    one = network(0)
    trainable = fit.compile_network(one, config.fit, task="regression", n_rows=len(train[0]), output_scale=np.ones(1))
    alone = fit.fit(trainable, train, val, config.fit, seed=0, report=lambda epoch, values: None)
    jobs = [Job(network(seed), config.fit, seed) for seed in range(MEMBERS)]
    with Pack(jobs, train, val, task="regression", output_scale=np.ones(1)) as pack:
        ((_, together), *_) = next(filter(None, pack.train(dict.fromkeys(range(MEMBERS), lambda epoch, values: None))))
    single, many = alone.summary()["seconds_per_epoch"], together.summary()["seconds_per_epoch"]
    print(
        f"packed, 8-208-208-1, batch 256: one alone {single:.3f} s an epoch, {MEMBERS} together {many:.2f} s, "
        f"{many / MEMBERS:.3f} s each",
        flush=True,
    )


if __name__ == "__main__":
    _keras()
