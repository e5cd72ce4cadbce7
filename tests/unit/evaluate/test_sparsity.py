"""Weights and inputs as good as zero, counted."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from mlflow import MlflowClient

from pipeline.evaluate import sparsity
from pipeline.train import Result


def test_weights_and_inputs_as_good_as_zero_are_counted() -> None:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    first = np.array([[1.0, 0.0005], [0.0, -0.0009], [0.5, 0.002]])
    network.set_weights([first, np.zeros(2), np.array([[2.0], [0.001]]), np.zeros(1)])
    found = sparsity.measure(network, ["a", "b", "c"])
    assert found.counts == {"n_parameters": 11, "n_zero_weights": 4, "n_zero_inputs": 1}
    assert found.of_inputs == pytest.approx({"a": 1.0, "b": 0.0009, "c": 0.5}, rel=1e-4)
    assert sparsity.measure(network, ["embedded", "otherwise"]).of_inputs == {}


@pytest.mark.slow
def test_every_run_counts_its_zeros_and_times_its_epochs(trained: Callable[..., Result], store: str) -> None:
    result = trained("data=diabetes", "model.units=[4]", "model.initializer=zeros", "fit.epochs=1")
    client = MlflowClient(store)
    run = client.get_run(result.run_id)
    # Zeros stay zeros below the output layer: no gradient reaches what is multiplied by zero.
    assert run.data.metrics["network/n_zero_inputs"] == 10
    assert run.data.metrics["network/n_zero_weights"] == 44
    assert run.data.metrics["seconds/per_epoch"] > 0
    assert not any(key.startswith("study") for key in run.data.params)
    norms = json.loads(Path(client.download_artifacts(result.run_id, "inputs.json")).read_text())
    assert set(norms) == {"age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"}
