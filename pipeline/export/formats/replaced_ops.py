"""Operations of networks that a format has not, or computes wrongly, by others that hold there."""

from __future__ import annotations

import tensorflow as tf

from pipeline.export.formats.portable import PortableOps
from pipeline.export.graph import Instead


def softplus(x: tf.Tensor) -> tf.Tensor:
    """`log(1 + exp(x))` with no exponential of a number above 0, which float32 has not from 88.7 on."""
    return tf.maximum(x, 0) + PortableOps.log1p(tf.exp(-tf.abs(x)))


def erfc(x: tf.Tensor) -> tf.Tensor:
    """`1 - erf(x)`: nothing is lost that float32 has beside the 1 and 2 on either side."""
    return 1 - tf.math.erf(x)


# LiteRT writes softplus as log(1 + exp(x)).
LITERT: Instead = {"Softplus": softplus}
# tf2onnx leaves what ONNX has not in the file.
ONNX: Instead = {"Erfc": erfc, "Expm1": PortableOps.expm1, "Log1p": PortableOps.log1p}
