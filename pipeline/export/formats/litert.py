"""LiteRT (TensorFlow Lite) files: float32, with weights in float16, and with weights in int8."""

from __future__ import annotations

from typing import Any, Literal

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from pipeline.errors import ExportError
from pipeline.export.formats.portable import Portable
from pipeline.runtime import stderr

Precision = Literal["float32", "float16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")
READERS_OF_WEIGHTS = {
    schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.BATCH_MATMUL, schema.BuiltinOperator.GATHER
}  # fmt: skip
WEIGHTS = 1024  # numbers from which on a constant is taken for weights, as LiteRT's converter does for int8


def convert(built: Portable, precision: Precision) -> bytes:
    """The file's content, the same whenever it is made of the same model.

    Weights alone are quantized, those of at least WEIGHTS numbers; in int8 by output, and activations as they come. Raw
    columns would not survive 256 steps, nor what is subtracted from them float16: preprocessing stays float32.

    Raises:
        ExportError: The network has an operation that LiteRT does not know.
    """
    kept = tf.Module()  # and not the SavedModel, whose tables of texts would come along, each with a number by chance
    kept.weights = list(built.function.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([built.function], kept)
    if precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    try:
        with stderr.only_lines(lambda line: False):  # the converter writes hundreds
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises its own kinds, of several modules
        raise ExportError(f"LiteRT cannot express the network: {str(error).strip().splitlines()[0]}") from None
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if precision == "float16":
        _halve_weights(model)
    for graph in model.subgraphs:  # names in which TensorFlow counts on from one function to the next
        for number, tensor in enumerate(graph.tensors):
            if number not in (*graph.inputs, *graph.outputs):
                tensor.name = f"tensor_{number}".encode()
    return _packed(model)


def _halve_weights(model: Any) -> None:
    """Stores weights as float16, behind an operation that widens them; the converter would take all constants."""
    widen = len(model.operatorCodes)
    for graph in model.subgraphs:
        added = []
        for number in _weights_of(graph, model):
            tensor = graph.tensors[number]
            with np.errstate(over="ignore"):
                half = np.frombuffer(bytes(model.buffers[tensor.buffer].data), "<f4").astype("<f2")
            if not np.isfinite(half).all():
                continue
            stored = schema.TensorT()
            stored.name, stored.shape, stored.type = b"", tensor.shape, schema.TensorType.FLOAT16
            stored.buffer = len(model.buffers)
            model.buffers.append(_buffer(half))
            graph.tensors.append(stored)
            tensor.buffer = 0  # the empty one, of tensors that are computed
            added.append(_operator(widen, len(graph.tensors) - 1, number))
        graph.operators = added + graph.operators
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 3  # the first that takes float16
    model.operatorCodes.append(code)
    _empty_unused(model)


def _weights_of(graph: Any, model: Any) -> list[int]:
    """Numbers of the tensors that are large matrices of products or tables of vectors, as preprocessing has none."""
    readers: dict[int, set[int]] = {}
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        for number in operator.inputs:
            readers.setdefault(int(number), set()).add(max(code.builtinCode, code.deprecatedBuiltinCode))
    return [
        number
        for number, tensor in enumerate(graph.tensors)
        if tensor.type == schema.TensorType.FLOAT32
        and (data := model.buffers[tensor.buffer].data) is not None
        and len(data) >= 4 * WEIGHTS
        and len(tensor.shape) > 1
        and readers.get(number, set()) <= READERS_OF_WEIGHTS
    ]


def _buffer(values: np.ndarray) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer


def _operator(code: int, source: int, target: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [source], [target]
    return operator


def _empty_unused(model: Any) -> None:
    """Empties the buffers that no tensor and no note of the file has any more."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {note.buffer for note in model.metadata or []}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
