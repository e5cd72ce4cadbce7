"""Replacements of network operations that a format lacks or computes incorrectly."""

from __future__ import annotations

import tensorflow as tf

from pipeline.export.formats.portable import PortableOps
from pipeline.export.graph import Instead


def softplus(x: tf.Tensor) -> tf.Tensor:
    """`log(1 + exp(x))` without exponentials of positive numbers, which overflow float32 from 88.7 on."""
    return tf.maximum(x, 0) + PortableOps.log1p(tf.exp(-tf.abs(x)))


def erfc(x: tf.Tensor) -> tf.Tensor:
    """`1 - erf(x)`, as precise as float32 allows next to 1 and 2."""
    return 1 - tf.math.erf(x)


# LiteRT computes softplus as log(1 + exp(x)).
LITERT: Instead = {"Softplus": softplus}
# tf2onnx leaves operations that ONNX lacks in the file.
ONNX: Instead = {"Erfc": erfc, "Expm1": PortableOps.expm1, "Log1p": PortableOps.log1p}
