"""The JSON file next to a LiteRT or ONNX file: its inputs, the vocabularies of its categories, and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.data import Preprocessing
from pipeline.data.ops import FIELDS, NumpyOps
from pipeline.data.preprocessing.category_columns import Embedded, OneHot, Ordinal
from pipeline.data.preprocessing.network_inputs import TableInputs
from pipeline.export.formats.portable import check_expressible
from pipeline.export.manifest import BOUNDED, Manifest

GAP = "NaN"


def sidecar(manifest: Manifest, preprocessing: Preprocessing, numbers: str, codes: str) -> dict[str, Any]:
    """Describes each input (raw column, type and meaning of its values) and the outputs.

    Args:
        manifest: The SavedModel's manifest.
        preprocessing: The preprocessing, which has the vocabularies.
        numbers: Type of numbers, such as float32.
        codes: Type of category numbers, such as int64.
    """
    features = preprocessing.inputs.features if isinstance(preprocessing.inputs, TableInputs) else ()
    vocabularies = {
        feature.column: list(feature.vocabulary.values)
        for feature in features
        if isinstance(feature, OneHot | Embedded | Ordinal)
    }
    dates = check_expressible(preprocessing)
    inputs: dict[str, Any] = {}
    for name, column in manifest.inputs.items():
        if name in dates:
            inputs[column.argument] = {
                "column": name, "dtype": numbers, "shape": [None, len(FIELDS)], "gap": GAP, "fields": list(FIELDS),
                "means": f"a date, written {dates[name].written.name} in the raw column, as its fields; time may be 0",
            }  # fmt: skip
        elif column.is_text:
            inputs[column.argument] = {
                "column": name, "dtype": codes, "shape": [None], "unknown": -1, "vocabulary": vocabularies[name],
                "means": "position of the text in the vocabulary, from 0; a gap is the empty text; -1 if unknown",
            }  # fmt: skip
        else:
            inputs[column.argument] = {
                "column": name, "dtype": numbers, "shape": list(column.shape), "gap": GAP, "means": "the raw number"
            }  # fmt: skip
    outputs = (_of_regression if manifest.task == "regression" else _of_classes)(manifest, numbers)
    return {"task": manifest.task, "classes": manifest.classes, "inputs": inputs, "outputs": outputs}


def _of_regression(manifest: Manifest, numbers: str) -> dict[str, Any]:
    """Describes the outputs of a regression."""
    means = {"prediction": "in original units"}
    if interval := manifest.learned.interval:
        bound = f"bound: the true value of {interval.coverage:g} of all rows is between both"
        means |= {name: f"{name} {bound}" for name in BOUNDED[1:]}
    return {name: {"dtype": numbers, "means": text, "of": manifest.target} for name, text in means.items()}


def _of_classes(manifest: Manifest, numbers: str) -> dict[str, Any]:
    """Describes the outputs of classes."""
    outputs: dict[str, Any] = {
        "class_index": {"dtype": "int32", "means": f"position in classes of {_named(manifest.threshold)}"},
        "probabilities": {"dtype": numbers, "means": "of each class", "of": manifest.classes},
    }
    if found := manifest.learned.prediction_set:
        means = f"1 for a class in the set, which contains the true class of {found.coverage:g} of all rows"
        outputs["prediction_set"] = {"dtype": "int32", "means": means, "of": manifest.classes}
    return outputs


def _named(threshold: float | None) -> str:
    if threshold is None:
        return "the most probable class"
    return f"the second class if its probability is {threshold!r} or more, else the first"


def encoded(
    content: Mapping[str, Any], preprocessing: Preprocessing, columns: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Converts raw columns to the file's inputs, as its user must.

    Args:
        content: What `sidecar` returned.
        preprocessing: The model's preprocessing.
        columns: Raw columns.
    """
    dates, inputs = check_expressible(preprocessing), {}
    for argument, about in content["inputs"].items():
        values = columns[about["column"]]
        if "vocabulary" in about:
            place = {text: number for number, text in enumerate(about["vocabulary"])}
            inputs[argument] = np.array([place.get(text, about["unknown"]) for text in values], about["dtype"])
        elif "fields" in about:
            fields = dates[about["column"]].written.parse(NumpyOps(), values)
            inputs[argument] = np.stack([fields[name] for name in FIELDS], axis=1).astype(about["dtype"])
        else:
            inputs[argument] = values.astype(about["dtype"])
    return inputs
