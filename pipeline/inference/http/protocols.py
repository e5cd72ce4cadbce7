"""The request and answer formats of two protocols: MLflow's scoring server, and TensorFlow Serving's REST API."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.data.reading.parse_inputs import NewGaps
from pipeline.export.output_table import table
from pipeline.inference.http.request_errors import RefusedError

Outputs = Mapping[str, np.ndarray]
Warned = Sequence[NewGaps]
CODES = {
    401: "UNAUTHENTICATED", 404: "ENDPOINT_NOT_FOUND", 429: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """Names of the model's outputs."""

    targets: Sequence[str]
    classes: Sequence[Any]
    names: Sequence[str]  # columns of a table of outputs


@dataclass(frozen=True)
class Protocol:
    """The formats of requests and answers."""

    name: str
    forms: tuple[str, ...]  # keys of the rows in a request
    answer: Callable[[Outputs, Labels, str, Warned], bytes]
    refusal: Callable[[RefusedError], dict[str, Any]]


def _mlflow_answer(outputs: Outputs, labels: Labels, form: str, warned: Warned) -> bytes:
    """`{"predictions": [{"prediction": 1.5}, ...]}`: a record for each row, as MLflow writes a table."""
    columns = table(labels.names, labels.classes, outputs)
    rows = zip(*map(_jsonable, columns.values()), strict=True)
    return _encode({"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}, warned)


def _tensorflow_answer(outputs: Outputs, labels: Labels, form: str, warned: Warned) -> bytes:
    """By row for `instances`, by output for `inputs`; a single output has no name."""
    lists = {name: _jsonable(values) for name, values in outputs.items()}
    if form == "inputs":
        return _encode({"outputs": next(iter(lists.values())) if len(lists) == 1 else lists}, warned)
    if len(lists) == 1:
        return _encode({"predictions": next(iter(lists.values()))}, warned)
    rows = zip(*lists.values(), strict=True)
    return _encode({"predictions": [dict(zip(lists, row, strict=True)) for row in rows]}, warned)


def _jsonable(values: np.ndarray) -> list[Any]:
    """Nested lists; null for numbers that JSON cannot express."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return [_finite(value) for value in values.tolist()]
    return list(values.tolist())


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return value if math.isfinite(value) else None


def _encode(content: dict[str, Any], warned: Warned) -> bytes:
    """The predictions, and warnings if there are any, in a key that clients of both protocols ignore."""
    if warned:
        content["warnings"] = [asdict(gaps) | {"message": str(gaps)} for gaps in warned]
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _mlflow_refusal(refused: RefusedError) -> dict[str, Any]:
    content: dict[str, Any] = {"error_code": CODES.get(refused.status, "BAD_REQUEST"), "message": str(refused)}
    return content | ({"faults": refused.faults} if refused.faults else {})


def _tensorflow_refusal(refused: RefusedError) -> dict[str, Any]:
    return {"error": str(refused)} | ({"faults": refused.faults} if refused.faults else {})


MLFLOW = Protocol(
    "mlflow", ("dataframe_split", "dataframe_records", "instances", "inputs"), _mlflow_answer, _mlflow_refusal
)
TENSORFLOW = Protocol("tensorflow", ("instances", "inputs"), _tensorflow_answer, _tensorflow_refusal)
