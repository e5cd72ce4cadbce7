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
WEIGHTS = 1024  # constants with at least so many numbers count as weights, as in LiteRT's converter for int8


def convert(built: Portable, precision: Precision) -> bytes:
    """The file's content, which is the same in each conversion of the same model.

    Only weights of at least WEIGHTS numbers are quantized, int8 ones for each output; activations stay in float. Raw
    columns would lose too much in 256 steps, and shifts in float16, so preprocessing stays float32.

    Args:
        built: The model.
        precision: Type of the weights.

    Raises:
        ExportError: LiteRT lacks an operation of the network.
    """
    kept = tf.Module()  # not the SavedModel: it would bring along its tables of texts, which have random names
    kept.weights = list(built.function.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([built.function], kept)
    if precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    try:
        with stderr.only_lines(lambda line: False):  # the converter writes hundreds of lines
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises errors of several modules
        raise ExportError(f"LiteRT cannot express the network: {str(error).strip().splitlines()[0]}") from None
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if precision == "float16":
        _halve_weights(model)
    for graph in model.subgraphs:  # TensorFlow continues its numbering of names from function to function
        for number, tensor in enumerate(graph.tensors):
            if number not in (*graph.inputs, *graph.outputs):
                tensor.name = f"tensor_{number}".encode()
    return _packed(model)


def _halve_weights(model: Any) -> None:
    """Stores weights as float16, followed by an operation that widens them; the converter would take all constants."""
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
            tensor.buffer = 0  # the empty one, of computed tensors
            added.append(_operator(widen, len(graph.tensors) - 1, number))
        graph.operators = added + graph.operators
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 3  # the first that accepts float16
    model.operatorCodes.append(code)
    _empty_unused(model)


def _weights_of(graph: Any, model: Any) -> list[int]:
    """Numbers of the tensors that are large matrices of products or lookup tables; preprocessing has none."""
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
    """Empties the buffers that no tensor and no metadata of the file refers to."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {note.buffer for note in model.metadata or []}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
