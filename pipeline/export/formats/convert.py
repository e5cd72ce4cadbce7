"""Converts a model to another format; each file runs in its own runtime and is compared before it is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import tensorflow as tf

from pipeline import evaluate
from pipeline.data import Preprocessing
from pipeline.data.preprocessing import as_json as stored
from pipeline.errors import ExportError
from pipeline.export import manifest
from pipeline.export.deviation import TOLERANCE, apart
from pipeline.export.formats import litert, onnx, replaced_ops, tf_serving
from pipeline.export.formats.check_rows import HeldOut, held_out, with_awkward
from pipeline.export.formats.portable import portable
from pipeline.export.formats.run_in_subprocess import blurred, run_fresh, scaled_predictions
from pipeline.export.formats.sidecar import encoded, sidecar
from pipeline.export.graph import network_of
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.out_of_range import OutOfRange, beyond
from pipeline.export.saved_model import check_labels
from pipeline.runtime.atomic_files import whole_folder

Format = Literal["savedmodel", "litert", "onnx"]
LARGEST = float(np.finfo(np.float64).max)  # a difference that is greater than any other
REPORT = f"{manifest.EXTRA}/export.json"


@dataclass(frozen=True)
class File:
    """An exported file and the results of its check."""

    name: str
    n_bytes: int
    difference: float  # the largest from the pipeline's own predictions, in scaled units over max(1, |value|)
    beyond: float  # the same on rows beyond the training range, from the pipeline in float64
    score: str | None  # the score that was compared, on validation rows
    value: float | None  # the file's score
    loss: float | None  # how much worse it is than the pipeline's own


@dataclass(frozen=True)
class Exported:
    """A folder of exported files."""

    folder: Path
    files: tuple[File, ...]
    checked_on: str


@dataclass(frozen=True)
class Checked:
    """A model, and the rows to check its conversions with."""

    model: LoadedModel
    preprocessing: Preprocessing
    held: HeldOut
    columns: dict[str, np.ndarray]  # the held-out rows and unusual ones
    scaled: np.ndarray  # the network's outputs for them
    beyond: OutOfRange
    is_float32: bool  # whether the format holds numbers in float32, rather than float64

    @property
    def rows(self) -> dict[str, np.ndarray]:
        """All rows that a file is run on."""
        return {name: np.concatenate([values, self.beyond.columns[name]]) for name, values in self.columns.items()}

    def file(self, name: str, n_bytes: int, outputs: dict[str, np.ndarray], exact: bool) -> File:
        """Compares a file's outputs for `rows`.

        Args:
            name: The file.
            n_bytes: Its size.
            outputs: Its outputs.
            exact: Whether it must agree to TOLERANCE.

        Raises:
            ExportError: It must be exact but differs by more than TOLERANCE; or it returns no number beyond the range.
        """
        far = {key: values[len(self.scaled) :] for key, values in outputs.items()}
        outputs = {key: values[: len(self.scaled)] for key, values in outputs.items()}
        manifest = self.model.manifest
        check_labels(name, outputs, manifest.learned, np.array(manifest.classes))
        found = apart(outputs, self.scaled, self.preprocessing, manifest.task, manifest.learned.interval)
        if exact and not found <= TOLERANCE:
            lost = blurred(self.preprocessing, self.columns) if self.is_float32 else []
            why = f"; its float32 blurs the inputs {', '.join(lost)} in scaled units" if lost else ""
            remedy = "savedmodel and onnx hold numbers in float64" if self.is_float32 else "Use another format"
            raise ExportError(
                f"{name} differs from the pipeline's own predictions by {found:.2g} in scaled units{why}; at most "
                f"{TOLERANCE} is allowed, so nothing was written. {remedy}"
            )
        try:
            beyond = self.beyond.check(name, far, None if exact else LARGEST)
        except ExportError as error:
            raise ExportError(f"{error}, so nothing was written") from None
        rows = self.held.rows
        if rows is None:
            return File(name, n_bytes, found, beyond, None, None, None)
        score = "rmse" if manifest.task == "regression" else "log_loss"
        own = self.model.predict_raw(self.held.columns)
        values = [
            evaluate.score(rows.target, _probable(given, len(rows)), rows.sample_weight)[score]
            for given in (own, outputs)
        ]
        return File(name, n_bytes, found, beyond, f"val_{score}", values[1], values[1] - values[0])


def _probable(outputs: dict[str, np.ndarray], n_rows: int) -> dict[str, np.ndarray]:
    """Outputs for the held-out rows only, with probabilities that sum to 1 despite float32's rounding."""
    first = {name: values[:n_rows].astype(np.float64) for name, values in outputs.items() if values.ndim == 2}
    if "probabilities" in first:
        first["probabilities"] /= first["probabilities"].sum(axis=1, keepdims=True)
    return first


class Found(Protocol):
    """A model and its location, see `pipeline.inference.locate.FoundModel`."""

    @property
    def path(self) -> Path:
        """The SavedModel's folder."""

    @property
    def run_id(self) -> str | None:
        """The run that made it, if known."""

    @property
    def name(self) -> str:
        """Its registered name, or that of its experiment or folder."""

    @property
    def version(self) -> str | None:
        """Its registered version."""


def export(
    found: Found,
    kind: Format,
    output: Path,
    *,
    name: str | None = None,
    version: int | None = None,
    trust: bool = False,
    tracking_uri: str | None = None,
) -> Exported:
    """Exports a model; the folder appears when all its files have been run and compared.

    Args:
        found: The model.
        kind: `savedmodel` is laid out for TensorFlow Serving, `<name>/<version>/`; `litert` and `onnx` make
            `<name>_litert/` and `<name>_onnx/`, and replace what an earlier export left there.
        output: Folder in which the model's folder is created.
        name: Name of the model; None for its registered name or its experiment's.
        version: Version of a SavedModel; None for the registered one or, without it, the next free one.
        trust: Whether to load a model that has no manifest or does not match it.
        tracking_uri: URI of the tracking store, which has the run's config, which names the rows of the check.

    Raises:
        PipelineError: The format cannot express the model, or its predictions differ.
    """
    output = output.expanduser()
    model = LoadedModel(found.path, trust)
    name = re.sub(r"\W+", "_", name or found.name).strip("_") or "model"
    checked = _checked(model, found, tracking_uri, np.float32 if kind == "litert" else np.float64)
    if kind == "savedmodel":
        parent = output / name
        taken = [int(path.name) for path in parent.glob("[0-9]*") if path.name.isdecimal()] if parent.is_dir() else []
        version = version or (int(found.version) if found.version else max(taken, default=0) + 1)
        if version in taken:
            raise ExportError(
                f"{parent / str(version)} exists already; use another version, as in --version {max(taken) + 1}"
            )
        folder = parent / str(version)
    else:
        folder = output / f"{name}_{kind}"
    make: dict[str, Callable[[Checked, str, Path], list[File]]] = {
        "savedmodel": _saved_model, "litert": _litert, "onnx": _onnx
    }  # fmt: skip
    try:
        with whole_folder(folder) as unfinished:
            files = tuple(make[kind](checked, name, unfinished))
            exported = Exported(folder, files, checked.held.origin)
            report = unfinished / REPORT
            report.parent.mkdir(exist_ok=True)
            content = {"checked_on": exported.checked_on, "files": [asdict(file) for file in files]}
            report.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            manifest.write(replace(model.manifest, run_id=found.run_id or model.manifest.run_id), unfinished)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error}") from None
    return exported


def _checked(model: LoadedModel, found: Found, tracking_uri: str | None, numbers: type[np.floating]) -> Checked:
    path = model.folder / manifest.PREPROCESSING
    try:
        preprocessing = stored.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be read, so the model cannot be checked: {error}; train it again") from None
    held = held_out(model.manifest, found.run_id, tracking_uri)
    columns = with_awkward(held.columns, model.manifest.inputs)
    if not hasattr(model.saved_model, "network"):
        raise ExportError(
            f"{model.folder} was made by an older version, without data to check an export with; train it again"
        )
    network, inputs, task = network_of(model.saved_model), model.manifest.inputs, model.manifest.task
    far = beyond(network, preprocessing, task, inputs, held.columns, numbers, model.manifest.learned.interval)
    return Checked(
        model,
        preprocessing,
        held,
        columns,
        scaled_predictions(model, preprocessing, columns),
        far,
        numbers is np.float32,
    )


def _saved_model(checked: Checked, name: str, folder: Path) -> list[File]:
    warm_up = {column: values[:10] for column, values in checked.held.columns.items()}
    tf_serving.lay_out(checked.model, name, folder, warm_up)
    arguments = {name: column.argument for name, column in checked.model.manifest.inputs.items()}
    inputs = {arguments[column]: values.astype(_type(values)) for column, values in checked.rows.items()}
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    found = run_fresh("run_saved_model.py", folder, inputs, *tf_serving.SIGNATURES)
    files = []
    for signature in tf_serving.SIGNATURES:
        outputs = {key.partition("/")[2]: value for key, value in found.items() if key.startswith(f"{signature}/")}
        files.append(checked.file(f"signature {signature}", n_bytes, outputs, exact=True))
    return files


def _type(values: np.ndarray) -> Any:
    return values.dtype if values.dtype == object else np.float64


def _litert(checked: Checked, name: str, folder: Path) -> list[File]:
    content = sidecar(checked.model.manifest, checked.preprocessing, "float32", "int32")
    built = portable(checked.model, checked.preprocessing, tf.float32, tf.int32, replaced_ops.LITERT)
    inputs = encoded(content, checked.preprocessing, checked.rows)
    files = []
    for precision in litert.PRECISIONS:
        path = folder / (f"{name}.tflite" if precision == "float32" else f"{name}_{precision}.tflite")
        path.write_bytes(litert.convert(built, precision))
        outputs = run_fresh("run_litert.py", path, inputs)
        files.append(checked.file(path.name, path.stat().st_size, outputs, exact=precision == "float32"))
    _write_sidecar(content, folder / f"{name}.json")
    return files


def _onnx(checked: Checked, name: str, folder: Path) -> list[File]:
    content = sidecar(checked.model.manifest, checked.preprocessing, "float64", "int64")
    built = portable(checked.model, checked.preprocessing, tf.float64, tf.int64, replaced_ops.ONNX)
    path = folder / f"{name}.onnx"
    path.write_bytes(onnx.convert(built))
    found = run_fresh("run_onnx.py", path, encoded(content, checked.preprocessing, checked.rows))
    written = onnx.output_names(built)
    outputs = {own: found[called] for own, called in written.items()}
    content["outputs"] = {written[own]: about for own, about in content["outputs"].items()}
    _write_sidecar(content, folder / f"{name}.json")
    return [checked.file(path.name, path.stat().st_size, outputs, exact=True)]


def _write_sidecar(content: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
