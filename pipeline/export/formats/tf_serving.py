"""The SavedModel in TensorFlow Serving's layout, with requests that warm it up before the first real one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipeline.export.loaded_model import LoadedModel
from pipeline.export.manifest import EXTRA

WARM_UP = f"{EXTRA}/tf_serving_warmup_requests"  # where TensorFlow Serving reads them
SIGNATURES = ("serving_default", "serve")


def lay_out(model: LoadedModel, name: str, folder: Path, columns: dict[str, np.ndarray]) -> None:
    """Copies the SavedModel to a new folder and adds warm-up requests, with one row and with all, for each signature.

    Args:
        model: The model.
        name: Its name in requests.
        folder: The new folder.
        columns: Raw columns of the requests.
    """
    shutil.copytree(model.folder, folder, dirs_exist_ok=True)
    n_rows = len(next(iter(columns.values())))
    with tf.io.TFRecordWriter(str(folder / WARM_UP)) as writer:
        for signature in SIGNATURES:
            for rows in dict.fromkeys((1, n_rows)):
                tensors = {
                    column.argument: tf.make_tensor_proto(columns[name][:rows], column.dtype)
                    for name, column in model.manifest.inputs.items()
                }
                writer.write(prediction_log(name, signature, tensors))


def prediction_log(name: str, signature: str, tensors: dict[str, tf.compat.v1.TensorProto]) -> bytes:
    """A `tensorflow.serving.PredictionLog` with a predict request, in protobuf's wire format.

    The package with the message's class requires another TensorFlow. The numbers of the fields are those of TensorFlow
    Serving's prediction_log.proto, predict.proto and model.proto.

    Args:
        name: Of the model.
        signature: Of the SavedModel.
        tensors: Arguments of the signature, by name.
    """
    model_spec = _field(1, name.encode()) + _field(3, signature.encode())
    entries = (
        _field(2, _field(1, key.encode()) + _field(2, tensor.SerializeToString(deterministic=True)))
        for key, tensor in tensors.items()
    )
    request = _field(1, model_spec) + b"".join(entries)
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes, text or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])
