"""LiteRT and ONNX files of a model, run in this process: what the export's check does in a fresh one, but faster."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from pipeline.data import Preprocessing
from pipeline.data.preprocessing import as_json
from pipeline.export.formats import litert, onnx, replaced_ops
from pipeline.export.formats.portable import portable
from pipeline.export.formats.sidecar import encoded, sidecar
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.manifest import PREPROCESSING

onnxruntime.set_default_logger_severity(4)


def preprocessing_of(folder: Path) -> Preprocessing:
    """As it was fitted for a saved model."""
    return as_json.from_json(json.loads((folder / PREPROCESSING).read_text(encoding="utf-8")))


def by_litert(folder: Path, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of a saved model's float32 LiteRT file for raw columns."""
    model, preprocessing = LoadedModel(folder), preprocessing_of(folder)
    content = litert.convert(portable(model, preprocessing, tf.float32, tf.int32, replaced_ops.LITERT), "float32")
    given = encoded(sidecar(model.manifest, preprocessing, "float32", "int32"), preprocessing, columns)
    return Interpreter(model_content=content).get_signature_runner()(**given)


def by_onnx(folder: Path, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of a saved model's ONNX file for raw columns."""
    model, preprocessing = LoadedModel(folder), preprocessing_of(folder)
    built = portable(model, preprocessing, tf.float64, tf.int64, replaced_ops.ONNX)
    session = onnxruntime.InferenceSession(onnx.convert(built), providers=["CPUExecutionProvider"])
    given = encoded(sidecar(model.manifest, preprocessing, "float64", "int64"), preprocessing, columns)
    names = onnx.output_names(built)
    return dict(zip(names, session.run(list(names.values()), given), strict=True))


BY_FORMAT = {"litert": by_litert, "onnx": by_onnx}
