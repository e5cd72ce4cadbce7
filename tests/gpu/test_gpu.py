"""What needs a real GPU."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from mlflow import MlflowClient

from pipeline import fit, load, model
from pipeline.fit import batching
from pipeline.fit.packed import Job, Pack
from pipeline.sweep.launch.devices import visible_gpus
from pipeline.train import Result
from support import block_training
from support.places import ROOT

pytestmark = pytest.mark.gpu


def test_mirrored_over_all_gpus(trained: Callable[..., Result]) -> None:
    if len(tf.config.list_physical_devices("GPU")) < 2:
        pytest.skip("needs two GPUs; two virtual CPUs stand in for them in tests/unit/fit")
    trained("data=iris", "fit.strategy=mirrored", "model.batch_norm=true", "fit.batch_size=7")


def test_rows_and_steps_are_on_the_gpu() -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("needs a GPU: what is tested is that rows and weights lie on it, so that the host is idle")
    found, _ = block_training.trained("fit.execution=compiled")
    placed = batching.place(block_training.arrays())
    assert all("GPU" in tensor.device for tensor in [*placed, found.model.trainable_variables[0].value])


def test_trials_share_a_gpu(tmp_path: Path) -> None:
    if not visible_gpus():
        pytest.skip("no GPU")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    words = ["hydra/launcher=local", "hydra.launcher.n_jobs=2", "hydra.launcher.trials_per_gpu=2", "seed=0,1"]
    line = [sys.executable, "-m", "pipeline", "train", "-m", *words, f"tracking.uri={store}"]
    subprocess.run([*line, f"hydra.sweep.dir={tmp_path}/sweep"], cwd=ROOT, check=True, timeout=300)
    children = [one for one in MlflowClient(store).search_runs(["1"]) if "sweep" not in one.data.tags]
    assert [one.info.status for one in children] == ["FINISHED"] * 2
    assert all(one.data.tags["device"] != "CPU" for one in children)


def test_many_networks_that_train_as_one_cost_little_more_than_one() -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("needs a GPU: on a CPU the time is that of the arithmetic")
    config = load(
        "data=california_housing", "model.units=[64,64]", "fit.batch_size=32", "fit.epochs=6",
        "fit.early_stopping.patience=null", "fit.execution=compiled",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    train, val = ((*np.split(rng.normal(size=(n, 9)).astype("float32"), [8], axis=1), None) for n in (8192, 512))

    def seconds(n_members: int) -> float:
        jobs = []
        for seed in range(n_members):
            fit.seed_layers(seed)
            network = model.build(config.model, task="regression", n_inputs=8, n_outputs=1)
            jobs.append(Job(network, config.fit, seed))
        with Pack(jobs, train, val, task="regression", output_scale=np.ones(1)) as pack:
            together = pack.train(dict.fromkeys(range(n_members), lambda epoch, values: None))
            ended = dict(itertools.chain.from_iterable(together))
        assert isinstance(ended[0], fit.History)
        return ended[0].summary()["seconds_per_epoch"]

    assert seconds(64) <= 3 * seconds(1)
