"""Exports hold beyond training's range: every activation, scaling and kind of column, in every format."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import ExportError, data, export, load, model
from pipeline.config.rules import NamedScaling
from pipeline.export.formats.convert import export as export_to
from pipeline.export.graph import network_of
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.out_of_range import OutOfRange, beyond
from pipeline.export.tensorflow_ops import TensorOps
from pipeline.inference.locate import resolve
from pipeline.model.dense import Activation
from support.exported_files import BY_FORMAT, preprocessing_of

N = 200
KINDS = ["savedmodel", *BY_FORMAT]


@pytest.fixture
def path(table: Callable[..., Path]) -> Path:
    rng = np.random.default_rng(0)
    hour, minute = rng.integers(0, 24, N), rng.integers(0, 60, N)
    columns = {
        "size": rng.lognormal(4, 0.5, N),
        "year": rng.integers(1990, 2024, N),
        "height": np.where(rng.uniform(size=N) < 0.1, np.nan, rng.normal(size=N)),
        "rooms": rng.choice([1, 2, 3], N),
        "town": rng.choice(["Bern", "Köln", "東京", ""], N),
        "sold": [f"20{d}-0{m}-28 {h:02}:{s:02}" for d, m, h, s in zip(rng.integers(10, 24, N), rng.integers(1, 9, N),
                                                                       hour, minute, strict=True)],
        "garden": rng.choice([True, False], N),
    }  # fmt: skip
    return table(**columns, price=np.exp(columns["size"] / 100 + rng.normal(size=N) / 10), lots=rng.integers(0, 3, N))


def saved(folder: Path, path: Path, *overrides: str, kernels: float = 1.0, target: str = "price") -> LoadedModel:
    """A model of untrained, enlarged weights, with an input that says where gaps are."""
    config = load("data=plain_table", f"data.path={path}", f"data.target={target}", "data.missing_indicator=true",
                  f"data.drop=[{'lots' if target == 'price' else 'price'}]", "model.units=[8,8]",
                  *overrides)  # fmt: skip
    rows = data.read_rows(config.data)
    preprocessing = data.fit_preprocessing(rows, config.data)
    network = model.build(config.model, **preprocessing.sizes(rows.target))
    for weight in network.trainable_weights:
        weight.assign(kernels * weight)
    export.save(export.assemble(rows, preprocessing, network), folder, reading=data.Reading.of(config.data))
    return LoadedModel(folder)


def rows_beyond(loaded: LoadedModel, path: Path, kind: str) -> OutOfRange:
    config = load("data=plain_table", f"data.path={path}", f"data.target={loaded.manifest.target[0]}")
    rows = data.read_rows(config.data)
    inputs = {name: np.asarray(rows.inputs[name]) for name in loaded.manifest.inputs}
    about = loaded.manifest.task, loaded.manifest.inputs
    numbers = np.float32 if kind == "litert" else np.float64
    return beyond(network_of(loaded.saved_model), preprocessing_of(loaded.folder), *about, inputs, numbers)


def outputs(loaded: LoadedModel, kind: str, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return loaded.predict_raw(columns) if kind == "savedmodel" else BY_FORMAT[kind](loaded.folder, columns)


CASES = [
    *(("price", f"model.activation={name}") for name in Activation.__args__),
    *(("price", f"model.output_activation={name}") for name in ("relu", "sigmoid", "tanh", "softplus")),
    # Of years, float32 has too few digits for a curve: LiteRT's file is refused on training's own rows.
    *(
        ("price", f"data.input_scaling.by_column={{size: {name}, height: {name}}} data.output_scaling={name}")
        for name in NamedScaling.__args__
    ),
    (
        "price",
        "data.column_kinds={rooms: category} data.category_encoding.by_column={town: embedding,rooms: ordinal} "
        "data.clip=5",
    ),
    ("price", "model.batch_norm=true"),
    ("lots", "model.activation=softplus"),
    ("lots", "data.column_kinds={rooms: category, year: category}"),
    ("garden", "data.column_kinds={rooms: category}"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("target", "key"), CASES, ids=lambda value: str(value).split(".")[-1])
def test_every_export_holds_beyond_training(path: Path, tmp_path: Path, target: str, key: str) -> None:
    # Far enough for activations; a steeper network than usual would show what curves of scaling lose in float32.
    words = re.split(r" (?=data\.)", key)
    loaded = saved(tmp_path / "m", path, *words, kernels=3 if "activation" in key else 1, target=target)
    for kind in KINDS:
        far = rows_beyond(loaded, path, kind)
        far.check(kind, outputs(loaded, kind, far.columns))
        assert np.median(far.lost) < export.TOLERANCE  # else the check would say little: ten times that is allowed


@pytest.fixture
def overflowing(path: Path, tmp_path: Path) -> LoadedModel:
    """A model whose softplus is beyond 88.7 in some rows far out, and in none of training's."""
    return saved(tmp_path / "m", path, "model.activation=softplus", "data.drop=[lots,town,sold,height]")


def test_a_file_that_overflows_far_out_is_refused(
    overflowing: LoadedModel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = rows_beyond(overflowing, path, "litert")
    assert far.check("litert", outputs(overflowing, "litert", far.columns)) < 1e-4
    monkeypatch.setattr("pipeline.export.formats.replaced_ops.LITERT", {})
    with pytest.raises(
        ExportError,
        match=r"^m.tflite differs from the pipeline computed in float64 by \S+ in scaled units in a row beyond "
        r"the training range: .*'\w+'.* at 10 times its .*; at most \S+ is allowed there$",
    ):
        far.check("m.tflite", outputs(overflowing, "litert", far.columns))


@pytest.mark.slow
def test_nothing_is_written_then(overflowing: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolve(str(overflowing.folder))
    assert [file.beyond < 0.1 for file in export_to(found, "litert", tmp_path / "out").files] == [True] * 3
    monkeypatch.setattr("pipeline.export.formats.replaced_ops.LITERT", {})
    with pytest.raises(ExportError, match=r"^m.tflite differs .* nothing was written"):
        export_to(found, "litert", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_training_ends_in_an_error(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load("data=plain_table", f"data.path={path}", "data.target=price", "data.drop=[lots,town,sold,height]")
    rows = data.read_rows(config.data)
    preprocessing = data.fit_preprocessing(rows, config.data)
    network = model.build(config.model, **preprocessing.sizes(rows.target))
    # A fault of its own: far out, the SavedModel's scaling is another than that of the pipeline.
    bounded = TensorOps.minimum
    monkeypatch.setattr(TensorOps, "minimum", staticmethod(lambda x, y: bounded(x, np.minimum(y, 20.0))))
    export.save(export.assemble(rows, preprocessing, network), tmp_path / "m")
    with pytest.raises(
        ExportError, match=r"the SavedModel in .* differs .* beyond the training range: '.* at 10 times"
    ):
        export.verify(tmp_path / "m", rows, preprocessing, network)
