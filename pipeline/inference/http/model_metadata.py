"""Describes the served model: versions, TensorFlow Serving's status and metadata, and OpenAPI."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pipeline.inference.http.column_schema import Json, schema
from pipeline.inference.http.served_model import Served

PACKAGES = ("dense-pipeline", "tensorflow", "fastapi", "uvicorn")
NUMBER_TYPES = {
    "string": "DT_STRING", "float64": "DT_DOUBLE", "int64": "DT_INT64", "int32": "DT_INT32", "bool": "DT_BOOL"
}  # fmt: skip

# By key of a request: the schema of its value, and an example.
Forms = dict[str, tuple[Json, Any]]


def version(model: Served) -> Json:
    """Name and version of the model, its run, and the packages."""
    runs_by = {name: found for name in PACKAGES if (found := _installed(name))}
    about = {"model": model.name, "version": model.version, "run_id": model.run_id}
    return about | {"server": runs_by, "made_with": dict(model.versions)}


def _installed(name: str) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:
        return None


def status(model: Served) -> Json:
    """TensorFlow Serving's ModelStatus."""
    fine = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": model.version, "state": "AVAILABLE", "status": fine}]}


def metadata(model: Served) -> Json:
    """TensorFlow Serving's ModelMetadata, with the signature's arguments; requests may use column names instead."""
    manifest = model.loaded.manifest
    inputs = {column.argument: _tensor(column.dtype, column.shape, column.argument) for column in model.columns}
    outputs = {name: _tensor(about["dtype"], about["shape"], name) for name, about in manifest.outputs.items()}
    signature = {"inputs": inputs, "outputs": outputs, "method_name": "tensorflow/serving/predict", "defaults": {}}
    return {
        "model_spec": {"name": model.name, "signature_name": "", "version": model.version},
        "metadata": {"signature_def": {"signature_def": {"serving_default": signature}}},
    }


def _tensor(dtype: str, shape: Sequence[int | None], name: str) -> Json:
    dims = [{"size": str(-1 if size is None else size), "name": ""} for size in shape]
    return {
        "dtype": NUMBER_TYPES[dtype],
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": name,
    }


def openapi(app: FastAPI, model: Served, strict: bool) -> Json:
    """The OpenAPI document: the addresses, and the model's columns with an example for each protocol.

    Args:
        app: The application.
        model: The served model.
        strict: Whether gaps in columns that had none in training are refused.
    """
    title = f"{model.name}, version {model.version}"
    sentences = [
        f"Predicts {', '.join(model.labels.targets)}.", "All rows of a request are checked before any is scored.",
        "Every column is required, in any order; null stands for a gap. Other columns are ignored.",
        f"Answers have for each row {', '.join(model.labels.names)}.", *filter(None, [model.uncertainty]),
    ]  # fmt: skip
    text = " ".join(sentences)
    document = get_openapi(title=title, version=model.version, description=text, routes=app.routes)
    names = [column.name for column in model.columns]
    example = model.example
    records = [dict(zip(names, row, strict=True)) for row in zip(*(example[name] for name in names), strict=True)]
    split = {"columns": names, "data": [list(record.values()) for record in records]}
    rows: Json = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
    columns: Json = {"$ref": "#/components/schemas/Columns"}
    shared: Forms = {"instances": (rows, records), "inputs": (columns, example)}
    frames: Forms = {"dataframe_split": (_table(), split), "dataframe_records": (rows, records)}
    document.setdefault("components", {}).setdefault("schemas", {}).update(_schemas(model, strict))
    document.setdefault("paths", {}).update(
        {
            "/invocations": _post("Predict, by MLflow's scoring protocol", frames | shared, _csv(split)),
            f"/v1/models/{model.name}:predict": _post("Predict, as TensorFlow Serving does", shared),
        }
    )
    return document


def _schemas(model: Served, strict: bool) -> Json:
    """A row, and lists of values by column."""
    example, names = model.example, [column.name for column in model.columns]
    each = {c.name: schema(c, model.categories, example[c.name], strict) for c in model.columns}
    lists = {name: {"type": "array", "items": values} for name, values in each.items()}
    shared = {"type": "object", "required": names}
    return {"Row": shared | {"properties": each}, "Columns": shared | {"properties": lists}}


def _table() -> Json:
    """Rows as lists, in the order of columns that a request gives."""
    lists = {"type": "array", "items": {"type": "array"}}
    columns = {"type": "array", "items": {"type": "string"}}
    return {"type": "object", "properties": {"columns": columns, "data": lists}, "required": ["columns", "data"]}


def _csv(split: Json) -> Json:
    """The rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([split["columns"], *split["data"]])
    schema = {"type": "string", "description": "A table with a header, in UTF-8, with commas; an empty cell is a gap."}
    return {"text/csv": {"schema": schema, "example": text.getvalue()}}


def _post(summary: str, forms: Forms, more: Json | None = None) -> Json:
    schemas = [{"type": "object", "properties": {key: form}, "required": [key]} for key, (form, _) in forms.items()]
    examples = {key: {"value": {key: value}} for key, (_, value) in forms.items()}
    content = {"application/json": {"schema": {"oneOf": schemas}, "examples": examples}} | (more or {})
    refusals = {
        "400": "A value, a column or the body is wrong; the message names row and column",
        "401": "The token is missing or wrong",
        "408": "The head or the body of the request did not arrive in time",
        "413": "The body is too large or has too many rows",
        "415": "The body is compressed, or neither JSON nor CSV in UTF-8",
        "429": "Too many requests are waiting; try again",
        "503": "Too many connections are open; try again",
    }
    answers = {"200": "Predictions, and `warnings` about gaps in columns that had none in training"} | refusals
    described = {status: {"description": text} for status, text in answers.items()}
    return {"post": {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": described}}
