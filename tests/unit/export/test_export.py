"""The exported model: raw columns in, original units out, and no need of this package."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline import ExportError, data, export, load, model
from pipeline.data import identifiers
from pipeline.export import saved_model
from pipeline.train import Result

TASKS = ["data=diabetes", "data=linnerud", "data=breast_cancer", "data=iris", "data=digits"]


def parts(*overrides: str) -> tuple[data.Rows, data.Preprocessing, keras.Model]:
    config = load(*overrides)
    rows = data.read_rows(config.data)
    preprocessing = data.fit_preprocessing(rows, config.data)
    network = model.build(config.model, task=rows.target.task, n_inputs=rows.n_inputs, n_outputs=rows.target.n_outputs)
    return rows, preprocessing, network


@pytest.mark.parametrize("option", TASKS)
def test_saved_model_equals_the_pipelines_own_predictions(tmp_path: Path, option: str) -> None:
    rows, preprocessing, network = parts(option, "model.batch_norm=true", "model.dropout=0.5")
    export.save(export.assemble(rows, preprocessing, network), tmp_path / "m")
    assert export.verify(tmp_path / "m", rows, preprocessing, network) <= saved_model.TOLERANCE


def test_export_that_differs_is_refused(tmp_path: Path) -> None:
    rows, preprocessing, network = parts("data=iris")
    export.save(export.assemble(rows, preprocessing, network), tmp_path / "m")
    network.layers[-1].bias.assign_add([0.1, 0, 0])
    with pytest.raises(ExportError, match="differs from the pipeline's own predictions"):
        export.verify(tmp_path / "m", rows, preprocessing, network)


def test_failed_export_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, preprocessing, network = parts("data=iris")
    assembled = export.assemble(rows, preprocessing, network)
    monkeypatch.setattr(saved_model, "SCHEMA", "no/such/folder/schema.json")
    with pytest.raises(OSError, match="no/such"):
        export.save(assembled, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_in_original_units(trained: Callable[..., Result], regression_table: Path) -> None:
    result = trained(
        "data=plain_table", f"data.path={regression_table}", "data.target=y", "fit.epochs=30", "fit.learning_rate=0.01"
    )
    loaded = tf.saved_model.load(result.model_path)
    frame = pd.read_csv(regression_table)
    columns = {name: tf.constant(frame[name]) for name in ("a", "b", "weight")}
    prediction = loaded.serve(columns)["prediction"]
    assert (prediction.dtype, prediction.shape) == (tf.float64, (100, 1))
    assert np.corrcoef(prediction[:, 0], frame["y"])[0, 1] > 0.9
    assert abs(np.mean(prediction) - frame["y"].mean()) < frame["y"].std()


@pytest.mark.slow
def test_mean_far_larger_than_the_spread(trained: Callable[..., Result], table: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    path = table(a=rng.normal(size=60), y=1e12 + rng.normal(size=60))
    assert trained("data=plain_table", f"data.path={path}", "data.target=y").scores["val_rmse"] < 10


AWKWARD = [
    "Wall Area",
    "Jitter(%)",
    "Jitter:RAP",
    "wall area",
    "Wall_Area",
    "ä",
    "1st",
    "class",
    "self",
    "a/b",
    "'q'",
    "x",
]


def test_awkward_column_names(untrained: Callable[..., Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, len(AWKWARD))), columns=AWKWARD)
    frame.assign(y=frame.sum(axis=1)).to_csv(tmp_path / "t.csv", index=False)
    folder = untrained(tmp_path / "m", "data=plain_table", f"data.path={tmp_path / 't.csv'}", "data.target=y")
    loaded = tf.saved_model.load(folder)
    schema = json.loads((folder / saved_model.SCHEMA).read_text(encoding="utf-8"))
    assert list(schema["inputs"]) == AWKWARD
    by_name = loaded.serve({name: tf.constant(frame[name]) for name in AWKWARD})["prediction"]
    arguments = {schema["inputs"][name]["argument"]: tf.constant(frame[name]) for name in AWKWARD}
    assert all(argument.isidentifier() for argument in arguments)
    by_argument = loaded.signatures["serving_default"](**arguments)["prediction"]
    np.testing.assert_array_equal(by_name, by_argument)


def test_identifiers_are_distinct_whatever_the_case() -> None:
    names = identifiers(["a", "A", "a ", "a_2", "%", "", "9", "self", "class"])
    assert names == ["a", "A_2", "a_3", "a_2_2", "column", "column_2", "column_9", "column_self", "column_class"]


@pytest.mark.parametrize(
    ("option", "labels"),
    [("data=breast_cancer", ["benign", "malignant"]), ("data=iris", ["setosa", "versicolor", "virginica"])],
)
def test_labels_and_probabilities(
    untrained: Callable[..., Path], tmp_path: Path, option: str, labels: list[str]
) -> None:
    loaded = tf.saved_model.load(folder := untrained(tmp_path / "m", option))
    rows = data.read_rows(load(option).data)
    outputs = loaded.serve({name: tf.constant(column) for name, column in rows.inputs.items()})
    schema = json.loads((folder / saved_model.SCHEMA).read_text(encoding="utf-8"))
    assert schema["classes"] == labels
    probabilities = outputs["probabilities"].numpy()
    assert probabilities.shape == (len(rows), len(labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert [label.decode() for label in outputs["label"].numpy()] == [labels[i] for i in probabilities.argmax(axis=1)]


@pytest.mark.parametrize(("values", "dtype"), [([3, 7], tf.int64), ([0.5, 1.5], tf.float64), ([True, False], tf.bool)])
def test_labels_keep_their_type(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, values: list, dtype: tf.DType
) -> None:
    path = table(a=np.arange(40.0), y=values * 20)
    label = tf.saved_model.load(untrained(tmp_path / "m", "data=plain_table", f"data.path={path}", "data.target=y"))
    found = label.serve({"a": tf.constant([1.0, 2.0], tf.float64)})["label"]
    assert found.dtype == dtype
    assert set(found.numpy().tolist()) <= set(values)


def test_array_has_one_input_x_and_any_number_of_rows(untrained: Callable[..., Path], tmp_path: Path) -> None:
    loaded = tf.saved_model.load(untrained(tmp_path / "m", "data=digits"))
    for n_rows in (1, 3):
        outputs = loaded.signatures["serving_default"](x=tf.zeros((n_rows, 64), tf.float64))
        assert outputs["probabilities"].shape == (n_rows, 10)
