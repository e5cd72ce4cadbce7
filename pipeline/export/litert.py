"""LiteRT (TensorFlow Lite) files: float32, with weights in float16, and with weights in int8."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from pipeline.errors import ExportError
from pipeline.export.portable import Portable
from pipeline.export.quiet import quiet

Precision = Literal["float32", "float16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")


def convert(built: Portable, precision: Precision) -> bytes:
    """The file's content, the same whenever it is made of the same model.

    Weights alone are quantized (int8: those of at least 1024 numbers, by output; activations as they come): raw columns
    would not survive 256 steps. Inputs, preprocessing and outputs stay float32.

    Raises:
        ExportError: The network has an operation that LiteRT does not know.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([built.function], built.model.saved_model)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        with quiet():
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises its own kinds, of several modules
        raise ExportError(f"LiteRT cannot express the network: {str(error).strip().splitlines()[0]}") from None
    return content
