"""Models in other formats: run by their own runtimes, equal to the pipeline's own, the same bytes each time."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from pipeline import ExportError
from pipeline import export as exports
from pipeline.export import manifest as manifests
from pipeline.export.formats.convert import export
from pipeline.export.formats.tf_serving import WARM_UP
from pipeline.inference.locate import resolve
from pipeline.train import Result
from support.typed import Typed

pytestmark = pytest.mark.slow

N = 120


def mixed(table: Callable[..., Path]) -> Path:
    rng = np.random.default_rng(0)
    columns = {
        "size m²": rng.lognormal(4, 0.5, N),
        "lot": rng.lognormal(6, 1, N),
        "year": rng.integers(1990, 2024, N),
        "rooms": rng.choice([1, 2, 3, 4], N),
        "town": rng.choice(["Bern", "Köln", "東京", ""], N),
        "kind": rng.choice(["flat", "house"], N),
        "built": [f"19{year}-0{month}-28 06:30" for year, month in rng.integers([10, 1], [99, 9], (N, 2))],
        "garden": rng.choice([True, False], N),
    }
    return table(**columns, price=1000 * columns["size m²"] + rng.normal(size=N))


def table_of(path: Path) -> tuple[str, ...]:
    return "data=plain_table", f"data.path={path}", "data.target=price"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_a_mixed_table_in_other_runtimes(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    keys = (
        "data.input_scaling.by_column={lot: log1p}",
        "data.category_encoding.by_column={town: embedding, kind: ordinal}",
    )
    folder = untrained(tmp_path / "houses", *table_of(mixed(table)), *keys, "data.missing_indicator=true")
    done = export(resolve(str(folder)), kind, tmp_path / "out")  # type: ignore[arg-type]
    suffix = {"litert": "tflite", "onnx": "onnx"}[kind]
    names = [f"houses.{suffix}"] + (["houses_float16.tflite", "houses_int8.tflite"] if kind == "litert" else [])
    assert [file.name for file in done.files] == names
    assert done.files[0].difference <= exports.TOLERANCE
    assert re.fullmatch(r"2 rows of the export's own example only, not validation rows \(.*\)", done.checked_on)
    assert manifests.verify(done.folder).inputs == manifests.read(folder).inputs
    content = json.loads((done.folder / "houses.json").read_text(encoding="utf-8"))
    assert content["inputs"]["town"]["vocabulary"] == ["", "Bern", "Köln", "東京"]
    assert content["inputs"]["built"]["fields"] == ["year", "month", "day", "hour", "minute", "second"]
    assert content["inputs"]["size_m"] | {"means": ""} == {
        "column": "size m²", "dtype": "float64" if kind == "onnx" else "float32", "shape": [None], "gap": "NaN",
        "means": "",
    }  # fmt: skip
    assert content["outputs"]["prediction"]["of"] == ["price"]

    first = {name: hashlib.sha256((done.folder / name).read_bytes()).hexdigest() for name in names}
    again = export(resolve(str(folder)), kind, tmp_path / "out")  # type: ignore[arg-type]
    assert {name: hashlib.sha256((again.folder / name).read_bytes()).hexdigest() for name in names} == first
    assert [path.name for path in (tmp_path / "out").iterdir()] == [done.folder.name]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_what_a_format_cannot_express_is_named(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    folder = untrained(tmp_path / "m", *table_of(mixed(table)), "data.category_encoding=hash")
    with pytest.raises(
        ExportError, match=r"columns 'town', 'kind': text is hashed, which LiteRT and ONNX do not support"
    ):
        export(resolve(str(folder)), kind, tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_an_operation_that_onnx_has_not_is_named(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = untrained(tmp_path / "m", *table_of(mixed(table)), "model.activation=gelu")
    monkeypatch.setattr("pipeline.export.formats.replaced_ops.ONNX", {})
    with pytest.raises(ExportError, match=r"ONNX cannot express the network: it has no Erfc; savedmodel has every"):
        export(resolve(str(folder)), "onnx", tmp_path / "out")


@pytest.mark.slow
def test_numbers_that_float32_cannot_hold_are_named(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    path = table(second=1.7e9 + rng.normal(0, 100, N).round(), a=rng.normal(size=N), price=rng.normal(size=N))
    folder = untrained(tmp_path / "m", *table_of(path))
    with pytest.raises(
        ExportError, match=r"m.tflite differs .* its float32 blurs the inputs 'second' by .* nothing was"
    ):
        export(resolve(str(folder)), "litert", tmp_path / "out")
    assert export(resolve(str(folder)), "onnx", tmp_path / "out").files[0].difference <= exports.TOLERANCE


@pytest.mark.slow
def test_tensorflow_serving_layout(untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path) -> None:
    folder = untrained(tmp_path / "m", *table_of(mixed(table)))
    done = export(resolve(str(folder)), "savedmodel", tmp_path / "out", name="houses of mine")
    assert done.folder == tmp_path / "out" / "houses_of_mine" / "1"
    assert [file.name for file in done.files] == ["signature serving_default", "signature serve"]
    assert max(file.difference for file in done.files) <= exports.TOLERANCE
    assert manifests.verify(done.folder).files.keys() >= {WARM_UP, "saved_model.pb"}
    loaded = tf.saved_model.load(str(done.folder))
    seen = []
    for record in tf.data.TFRecordDataset(str(done.folder / WARM_UP)):
        request = prediction_log_class().FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "houses_of_mine"
        tensors = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        found = loaded.signatures[request.model_spec.signature_name](**tensors)["prediction"]
        seen.append((request.model_spec.signature_name, found.shape))
    assert seen == [(name, (n, 1)) for name in ("serving_default", "serve") for n in (1, 2)]

    assert export(resolve(str(folder)), "savedmodel", tmp_path / "out", name="houses of mine").folder.name == "2"
    with pytest.raises(ExportError, match="2 exists already; use another version, as in --version 3"):
        export(resolve(str(folder)), "savedmodel", tmp_path / "out", name="houses of mine", version=2)


def prediction_log_class() -> type:
    """The message as TensorFlow Serving declares it, whose package cannot be installed beside this TensorFlow."""
    pool = descriptor_pool.Default()
    file = descriptor_pb2.FileDescriptorProto(name="log.proto", package="serving", syntax="proto3")
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)
    kinds = descriptor_pb2.FieldDescriptorProto

    def message(name: str, *fields: tuple[str, int, str | None]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for field, number, type_name in fields:
            kind = kinds.TYPE_MESSAGE if type_name else kinds.TYPE_STRING
            made.field.add(name=field, number=number, type=kind, type_name=type_name, label=kinds.LABEL_OPTIONAL)
        return made

    message("ModelSpec", ("name", 1, None), ("signature_name", 3, None))
    request = message(
        "PredictRequest", ("model_spec", 1, ".serving.ModelSpec"), ("inputs", 2, ".serving.PredictRequest.E")
    )
    entry = request.nested_type.add(name="E")
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    entry.field.add(
        name="value", number=2, type=kinds.TYPE_MESSAGE, type_name=".tensorflow.TensorProto", label=kinds.LABEL_OPTIONAL
    )
    entry.options.map_entry = True
    entry.name = request.field[1].type_name = "InputsEntry"
    request.field[1].type_name = ".serving.PredictRequest.InputsEntry"
    request.field[1].label = kinds.LABEL_REPEATED
    message("PredictLog", ("request", 1, ".serving.PredictRequest"))
    message("PredictionLog", ("predict_log", 6, ".serving.PredictLog"))
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("serving.PredictionLog"))


def test_a_model_of_an_older_version_says_so(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path
) -> None:
    folder = untrained(tmp_path / "m", *table_of(mixed(table)))
    (folder / manifests.PREPROCESSING).write_text('{"is": "Unheard"}')
    with pytest.raises(ExportError, match=r"preprocessing.json cannot be read, so the model cannot be checked"):
        export(resolve(str(folder)), "onnx", tmp_path / "out", trust=True)


def test_a_failed_export_leaves_nothing_and_keeps_the_older_one(
    untrained: Callable[..., Path], table: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = untrained(tmp_path / "m", *table_of(mixed(table)))
    older = tmp_path / "out" / "m_onnx"
    older.mkdir(parents=True)
    (older / "kept").write_text("")
    monkeypatch.setattr("pipeline.export.formats.onnx.convert", lambda built: b"no model")
    with pytest.raises(ExportError, match=r"m.onnx was created, but does not run in a new process: .*"):
        export(resolve(str(folder)), "onnx", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["m_onnx", "kept"]


VALIDATED = ["data=iris", "data=breast_cancer", "data=digits", "data=linnerud"]


@pytest.mark.slow
@pytest.mark.parametrize("option", VALIDATED)
@pytest.mark.parametrize("kind", ["savedmodel", "litert", "onnx"])
def test_a_run_is_checked_on_its_validation_rows(
    trained_once: Callable[..., Result],
    typed: Typed,
    store: str,
    tmp_path: Path,
    option: str,
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = trained_once(option, "model.batch_norm=true")
    capsys.readouterr()  # what that printed
    code, out, err = typed("export", result.run_id, "--format", kind, "--output", str(tmp_path), "--uri", store)
    assert (code, err) == (0, "")
    assert "validation rows" in out
    (report,) = tmp_path.rglob("export.json")
    content = json.loads(report.read_text())
    assert re.fullmatch(r"\d+ validation rows", content["checked_on"])
    assert content["files"][0]["difference"] <= exports.TOLERANCE
    for file in content["files"]:
        assert file["score"] in ("val_rmse", "val_log_loss")
        assert abs(file["loss"]) < 0.02 * max(1, file["value"]), file


@pytest.mark.slow
def test_a_process_of_its_own_has_nothing_to_say_of_errors(
    trained_once: Callable[..., Result], store: str, tmp_path: Path
) -> None:
    result = trained_once(VALIDATED[0], "model.batch_norm=true")
    line = [sys.executable, "-m", "pipeline", "export", result.run_id, "--format", "litert"]
    line += ["--output", str(tmp_path), "--uri", store]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "validation rows" in done.stdout


@pytest.mark.slow
def test_an_unknown_model_ends_with_a_message(typed: Typed, store: str, tmp_path: Path) -> None:
    code, _, err = typed("export", "nowhere", "--uri", store, "--output", str(tmp_path))
    assert code == 1
    assert err.startswith("nowhere: no such folder or run; ")
