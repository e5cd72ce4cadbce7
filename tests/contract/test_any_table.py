"""Any table: whatever a file holds, it ends in a network with finite weights or in an error that a user can read."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings

from fuzz.tables import trained_failures
from pipeline import ConfigError, DataError, TrainingError, data, export, fit, load, model
from pipeline.config.rules import Data
from pipeline.data import Dataset, Preprocessing, Rows
from pipeline.data.checks import report_page
from pipeline.data.preprocessing.arrays import to_array
from pipeline.export.tensorflow_ops import TensorOps
from support.any_table import Case, cases

pytestmark = pytest.mark.slow


@cache
def _defaults() -> dict[str, Any]:
    return load("data=plain_table", "data.path=x.csv", "data.target=y").data.model_dump()


def prepared(case: Case) -> tuple[Dataset, Preprocessing]:
    """What the story does before training, with a look at all that comes of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_text(case.content, encoding="utf-8", newline="")
        config = Data.model_validate(
            _defaults()
            | case.options
            | {"path": str(path), "split": _defaults()["split"] | case.options.get("split", {})}
        )
        dataset = data.without_useless(data.load(config), config)
    preprocessing = dataset.fit(config)
    rows = dataset.rows
    preprocessing.check(rows)
    report = data.report(dataset, preprocessing.inputs.kinds)
    json.dumps(report.as_dict(), allow_nan=False)
    assert report_page.render(report)
    arrays = preprocessing.apply(rows)
    assert arrays.x.shape == (len(rows), preprocessing.inputs.n_inputs)
    assert np.isfinite(arrays.x).all()
    assert np.isfinite(arrays.y).all()
    return dataset, preprocessing


def assert_same_in_tensorflow(rows: Rows, preprocessing: Preprocessing) -> None:
    """Compares the training arrays, and the way back of targets, with what the exported graph computes."""
    columns = {
        name: tf.constant(np.asarray(column), tf.string if column.dtype == object else tf.float64)
        for name, column in rows.inputs.items()
    }
    parts = preprocessing.inputs.apply(TensorOps(), columns)
    graph = np.concatenate([part.numpy().reshape(len(rows), -1) for part in parts], axis=1)
    array = to_array(preprocessing.inputs, rows.inputs)
    np.testing.assert_array_less(np.abs(graph - array) / np.maximum(1, np.abs(array)), 1e-5)


def assert_trains(dataset: Dataset, preprocessing: Preprocessing) -> None:
    """Trains a tiny network for an epoch and compares what is exported with the pipeline's own predictions."""
    config = load("fit.epochs=1", "fit.batch_size=full", "fit.execution=graph", "model.units=[4]")
    rows, (train, val) = dataset.rows, dataset.arrays(preprocessing)
    network = model.build(
        config.model,
        task=rows.target.task,
        n_inputs=preprocessing.inputs.n_inputs,
        n_outputs=rows.target.n_outputs,
        categories=preprocessing.inputs.categories,
    )
    trainable = fit.compile_network(
        network,
        config.fit,
        task=rows.target.task,
        n_rows=len(train.x),
        output_scale=preprocessing.outputs.units_per_scaled,
    )
    fit.fit(trainable, train, val, config.fit, seed=0, report=lambda epoch, values: None)
    assert all(np.isfinite(weight).all() for weight in network.get_weights())
    served = export.assemble(rows, preprocessing, network).predict(rows.inputs)
    assert export.difference(served, rows, preprocessing, network) <= export.TOLERANCE


def ends_well(case: Case, train: bool) -> None:
    try:
        dataset, preprocessing = prepared(case)
        if train:
            assert_trains(dataset, preprocessing)
        else:
            assert_same_in_tensorflow(dataset.rows, preprocessing)
    except (ConfigError, DataError, TrainingError):
        return


CALM = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@given(case=cases())
@settings(CALM, max_examples=60)
def test_any_table_is_prepared_or_refused(case: Case) -> None:
    ends_well(case, train=False)


@pytest.mark.slow
@given(case=cases())
@settings(CALM, max_examples=500)
def test_many_tables_are_prepared_or_refused(case: Case) -> None:
    ends_well(case, train=False)


@pytest.mark.slow
@given(case=cases())
@settings(CALM, max_examples=60)
def test_many_tables_are_trained_on_or_refused(case: Case) -> None:
    keras.backend.clear_session()
    ends_well(case, train=True)


@pytest.mark.slow
def test_tables_are_trained_on_by_the_command_or_refused_with_a_remedy() -> None:
    assert trained_failures(10, seed=3) == []
