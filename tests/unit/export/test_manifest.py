"""Every export carries a manifest, and what is not as it says is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline import DataError, ModelError, data, load
from pipeline.data.preprocessing import as_json as stored
from pipeline.data.reading.input_column import MARKS, TextFormat
from pipeline.export import manifest as manifests
from pipeline.export.loaded_model import LoadedModel
from pipeline.train import Result
from support.places import ROOT
from support.runs import FLOWERS

FLOWER = {
    "petal width (cm)": [0.2, 2.3],
    "petal length (cm)": [1.4, 5.2],
    "sepal width (cm)": [3.5, 3.0],
    "sepal length (cm)": [5.1, 6.7],
}


@pytest.fixture(scope="module")
def iris(trained_once: Callable[..., Result]) -> Result:
    return trained_once(*FLOWERS)


@pytest.fixture
def copy(iris: Result, tmp_path: Path) -> Path:
    return Path(shutil.copytree(iris.model_path, tmp_path / "model"))


def test_the_manifest_says_what_the_model_is(iris: Result) -> None:
    manifest = manifests.verify(Path(iris.model_path))
    assert manifest.run_id == iris.run_id
    assert (manifest.task, manifest.target) == ("multiclass", ["target"])
    assert manifest.classes == ["setosa", "versicolor", "virginica"]
    column = manifest.inputs["petal width (cm)"]
    assert column.to_json() == {
        "argument": "petal_width_cm", "shape": (None,), "dtype": "float64", "kind": "numeric", "gaps": False,
        "fill": column.fill, "words": False,
    }  # fmt: skip
    assert 0.1 < column.fill < 2.5
    assert column.text == TextFormat(".", MARKS, ())  # of a table with types
    assert manifest.outputs["probabilities"] == {"shape": [None, 3], "dtype": "float64"}
    assert manifest.example["petal width (cm)"] == [0.2, 0.2]
    assert manifest.reading["decimal"] == "."
    assert manifest.versions["tensorflow"]
    assert {"saved_model.pb", "variables/variables.index", "assets.extra/schema.json"} < set(manifest.files)


def test_the_mlflow_model_carries_it_too(iris: Result, store: str) -> None:
    from pipeline.inference.locate import resolve

    found = resolve(f"runs:/{iris.run_id}/model", store)
    assert manifests.verify(found.path).run_id == iris.run_id


@pytest.mark.parametrize("given", [dict, pd.DataFrame, pa.table])
def test_a_loaded_model_takes_columns_in_any_form_and_order(iris: Result, given: Callable) -> None:
    model = LoadedModel(Path(iris.model_path))
    outputs = model.predict(given({**FLOWER, "more": ["a", "b"]}))
    assert outputs["probabilities"].shape == (2, 3)
    assert set(outputs["label"]) <= set(model.manifest.classes)
    assert list(model.table(outputs)) == [
        "label", "probability_setosa", "probability_versicolor", "probability_virginica"
    ]  # fmt: skip


def test_a_loaded_model_takes_no_rows(iris: Result) -> None:
    outputs = LoadedModel(Path(iris.model_path)).predict({name: [] for name in FLOWER})
    assert outputs["probabilities"].shape == (0, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"petal width (cm)": None},
            r"missing columns: 'petal width \(cm\)' \(did you mean 'sepal width \(cm\)'\?\); the columns are",
        ),
        ({"petal width (cm)": [0.1, "wide"]}, r"column 'petal width \(cm\)', row 1: 'wide' is not a number"),
        ({"petal width (cm)": [0.1]}, "columns of different lengths: 'sepal length"),
    ],
)
def test_columns_that_do_not_fit(iris: Result, given: dict, message: str) -> None:
    columns = {name: values for name, values in {**FLOWER, **given}.items() if values is not None}
    with pytest.raises(DataError, match=message):
        LoadedModel(Path(iris.model_path)).predict({**columns, "petal width": [1, 2]})


def test_a_changed_file_is_refused_unless_trusted(copy: Path) -> None:
    schema = copy / manifests.SCHEMA
    schema.write_text(schema.read_text() + " ")
    with pytest.raises(ModelError, match=r"does not match its manifest: assets.extra/schema.json changed.*--trust"):
        LoadedModel(copy)
    assert LoadedModel(copy, trust=True).predict(FLOWER)["probabilities"].shape == (2, 3)


def test_missing_and_added_files_are_named(copy: Path) -> None:
    (copy / manifests.SCHEMA).unlink()
    (copy / "variables" / "more").write_text("")
    with pytest.raises(ModelError, match=r"assets.extra/schema.json missing; variables/more added"):
        LoadedModel(copy)


def test_without_manifest_refused_unless_trusted(copy: Path) -> None:
    (copy / manifests.MANIFEST).unlink()
    with pytest.raises(ModelError, match=r"has no assets.extra/manifest.json, .* --trust loads it nevertheless"):
        LoadedModel(copy)
    assert LoadedModel(copy, trust=True).predict(FLOWER)["probabilities"].shape == (2, 3)
    (copy / manifests.SCHEMA).unlink()
    with pytest.raises(ModelError, match="so its columns are unknown, even with --trust"):
        LoadedModel(copy, trust=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "cannot be read as a manifest"), ('{"format": 99}', r"has format 99, but this version reads format 2"),
     ("[]", "cannot be read as a manifest"), ('{"task": "regression"}', "cannot be read as a manifest")],
)  # fmt: skip
def test_a_manifest_that_is_none(copy: Path, text: str, message: str) -> None:
    (copy / manifests.MANIFEST).write_text(text)
    with pytest.raises(ModelError, match=message):
        LoadedModel(copy)


def test_a_broken_saved_model_is_an_error_of_ours_even_if_trusted(copy: Path) -> None:
    (copy / "saved_model.pb").write_bytes((copy / "saved_model.pb").read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"saved_model.pb changed"):
        LoadedModel(copy)
    with pytest.raises(ModelError, match="cannot be loaded by TensorFlow"):
        LoadedModel(copy, trust=True)


@pytest.mark.parametrize("scaling", ["standard", "robust", "log1p", "yeo_johnson", "quantile"])
def test_preprocessing_comes_back_from_json(table: Callable[..., Path], scaling: str) -> None:
    rng = np.random.default_rng(0)
    path = table(
        a=rng.lognormal(size=60), town=rng.choice(["Bern", "Köln", ""], 60), code=rng.integers(0, 3, 60),
        built=[f"20{year:02d}-03-04" for year in rng.integers(10, 30, 60)], y=rng.normal(size=60),
    )  # fmt: skip
    keys = (f"data.input_scaling={scaling}", f"data.output_scaling={scaling}", "data.clip=3")
    encodings = "data.category_encoding.by_column={town: embedding}"
    rows = data.read_rows(
        config := load("data=plain_table", f"data.path={path}", "data.target=y", *keys, encodings).data
    )
    before = data.fit_preprocessing(rows, config)
    after = stored.from_json(json.loads(json.dumps(stored.to_json(before))))
    for one, other in zip(before.apply(rows)[:2], after.apply(rows)[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert stored.to_json(after) == stored.to_json(before)


def test_preprocessing_of_an_array_comes_back_and_another_version_is_refused() -> None:
    rows = data.read_rows(config := load("data=digits").data)
    content = stored.to_json(before := data.fit_preprocessing(rows, config))
    np.testing.assert_array_equal(stored.from_json(content).apply(rows).x, before.apply(rows).x)
    for other in ({"is": "Preprocessing", "more": 1}, {"is": "Unheard"}, {"is": "Clip", "bound": 1.0}):
        with pytest.raises(ValueError, match="not preprocessing of this version"):
            stored.from_json(other)


def test_a_manifest_of_format_1_keeps_its_meaning(untrained: Callable[..., Path], tmp_path: Path) -> None:
    """It says nothing of how text is written, of fills, nor of numbers in text; the oldest not even of gaps."""
    rows = np.arange(40)
    pd.DataFrame(
        {
            "a": rows % 9 + 0.5,
            "level": np.resize(["1", "2", "x"], 40),
            "day": pd.date_range("2021-01-01", periods=40).strftime("%Y-%m-%d"),
            "y": rows * 1.5,
        }
    ).to_csv(tmp_path / "t.csv", index=False)
    keys = ("data=plain_table", f"data.path={tmp_path / 't.csv'}", "data.target=y", "data.missing_values=[-9999]")
    folder = untrained(tmp_path / "m", *keys)
    path = folder / manifests.MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["text"], content["reading"]["typed"]
    for name, about in content["inputs"].items():
        for key in ("fill", "numbers", *(["gaps", "date"] if name == "day" else [])):
            about.pop(key, None)
    path.write_text(json.dumps(content | {"format": 1}), encoding="utf-8")
    model = LoadedModel(folder)
    number, level, day = model.manifest.inputs.values()
    assert number.text == TextFormat(".", (*MARKS, "-9999", "-9999.0"), (*MARKS, "-9999", "-9999.0"))
    assert (number.gaps, level.gaps, day.gaps, day.date) == (False, False, True, None)
    given = {"a": [0.5, 1.5], "level": [1, 2.0], "day": ["2021-01-02", "someday"]}
    expected = model.predict({**given, "level": ["1", "2"]})["prediction"]
    np.testing.assert_array_equal(model.predict(given)["prediction"], expected)
    with pytest.warns(
        UserWarning, match="column 'a': a gap in row 1, but training had none; replaced by what the model"
    ):
        model.predict({**given, "a": [0.5, -9999]})
    manifests.write(model.manifest, folder)  # as an export of it does
    again = manifests.read(folder)
    assert (again.format, again.inputs) == (2, model.manifest.inputs)


def test_a_manifest_of_every_format_is_kept_and_read(tmp_path: Path) -> None:
    """Those of one table, each as the version wrote it that brought the format."""
    kept = sorted((ROOT / "tests" / "support" / "manifests").glob("*.json"))
    assert [path.stem for path in kept] == [f"format_{number}" for number in range(1, manifests.FORMAT + 1)]
    for path in kept:
        folder = tmp_path / path.stem
        (folder / manifests.MANIFEST).parent.mkdir(parents=True)
        shutil.copy(path, folder / manifests.MANIFEST)
        manifest = manifests.read(folder)
        assert (manifest.task, manifest.target, manifest.reading["missing_values"]) == ("regression", ["price"], [-999])
        assert list(manifest.inputs) == ["town", "area", "rooms", "built", "garden"]
        assert manifest.inputs["built"].date == "year-month-day"
        assert "-999" in manifest.inputs["area"].text.gaps_in_numbers
