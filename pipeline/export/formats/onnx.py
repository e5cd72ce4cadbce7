"""Converts to ONNX with tf2onnx, and renames everything in the file, so that one model always gives the same bytes."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Any

from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from pipeline.errors import ExportError
from pipeline.export.formats.portable import Portable
from pipeline.runtime import stderr

OPSET = 18


def _as_it_is(context: Any, node: Any, name: str, arguments: Any) -> None:
    """Keeps float64: tf2onnx computes its logarithms in float32, which ONNX does not require."""


def _where(context: Any, node: Any, name: str, arguments: Any) -> None:
    """Keeps a choice: tf2onnx multiplies by 0 and 1, so infinity in the other branch becomes NaN."""
    node.type = "Where"


HANDLERS = {"Log": _as_it_is, "SelectV2": _where}  # by TensorFlow's operation, in place of tf2onnx's own


def convert(built: Portable) -> bytes:
    """The file's content.

    Raises:
        ExportError: tf2onnx is not installed, or ONNX lacks an operation of the network.
    """
    try:
        from onnx import defs
    except ImportError:
        raise ExportError("--format onnx needs the packages of the extra: pip install 'dense-pipeline[onnx]'") from None
    frozen = convert_variables_to_constants_v2(built.function)
    try:
        with stderr.only_lines(lambda line: False):  # the converter writes hundreds of lines
            model = converted(frozen)
    except Exception as error:  # tf2onnx raises any type of error
        raise ExportError(f"ONNX cannot express the network: {str(error).strip().splitlines()[0]}") from None
    inputs, outputs = ([tensor.name for tensor in part] for part in (frozen.inputs, frozen.outputs))
    # tf2onnx leaves what it cannot express in the file, under TensorFlow's name.
    if left := sorted({node.op_type for node in model.graph.node if not defs.has(node.op_type, node.domain)}):
        raise ExportError(
            f"ONNX cannot express the network: it has no {', '.join(left)}; savedmodel has every operation"
        )
    own = output_names(built)
    names = {name: name.partition(":")[0] for name in inputs}
    names |= {name: own[output] for name, output in zip(outputs, built.outputs, strict=True)}
    _rename(model, names)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def converted(frozen: Any) -> Any:
    """Converts a function without variables to an ONNX model with tf2onnx."""
    from tf2onnx.convert import from_graph_def

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    inputs, outputs = ([tensor.name for tensor in part] for part in (frozen.inputs, frozen.outputs))
    graph = frozen.graph.as_graph_def()
    handlers: dict[str, Any] = {name: (handler, []) for name, handler in HANDLERS.items()}
    model, _ = from_graph_def(graph, input_names=inputs, output_names=outputs, opset=OPSET, custom_op_handlers=handlers)
    return model


def output_names(built: Portable) -> dict[str, str]:
    """The file's name of each output: `prediction_output` if an input, which keeps its name, is `prediction`.

    All names in an ONNX graph must differ, including those of inputs and outputs.
    """
    taken = {column.argument for column in built.model.manifest.inputs.values()}
    return {name: _free(name, taken, "output") for name in built.outputs}


def _free(name: str, taken: Collection[str], ending: str) -> str:
    while name in taken:
        name = f"{name}_{ending}"
    return name


def _rename(model: Any, names: dict[str, str]) -> None:
    """Orders nodes and constants by their path to the outputs, and names them by position.

    tf2onnx continues its numbering across conversions, and its order depends on sets.
    """
    graph = model.graph
    nodes = _in_order(graph)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    taken = [name for node in nodes for name in node.input]
    used = [constants[name] for name in dict.fromkeys([*taken, *_names(graph.output)]) if name in constants]
    names = _inner_names(nodes, used, set(names.values())) | names
    for tensor in used:
        tensor.name = names[tensor.name]
    for number, node in enumerate(nodes):
        node.name, node.doc_string = f"node_{number}", ""
        for part in (node.input, node.output):
            part[:] = [names.get(name, name) for name in part]
        node.attribute.sort(key=lambda attribute: attribute.name)
    for value in (*graph.input, *graph.output):
        value.name = names[value.name]
        value.type.tensor_type.shape.dim[0].dim_param = "n_rows"
    _replace(graph.node, nodes)
    _replace(graph.initializer, used)
    del graph.value_info[:]
    graph.name, graph.doc_string = "model", ""


def _replace(entries: Any, kept: list[Any]) -> None:
    copies = [type(entry).FromString(entry.SerializeToString()) for entry in kept]  # which outlive the graph
    del entries[:]
    entries.extend(copies)


def _inner_names(nodes: list[Any], constants: list[Any], given: set[str]) -> dict[str, str]:
    """New names of everything except inputs and outputs, none of them in `given`."""
    places = {tensor.name: f"constant_{number}" for number, tensor in enumerate(constants)}
    for number, node in enumerate(nodes):
        places |= {output: f"value_{number}_{place}" for place, output in enumerate(node.output)}
    return {name: _free(place, given, "inside") for name, place in places.items()}


def _in_order(graph: Any) -> list[Any]:
    """The nodes on the path to the outputs, each after those that it needs."""
    makers = {output: number for number, node in enumerate(graph.node) for output in node.output}
    ordered: dict[int, None] = {}
    waiting = [makers[name] for name in reversed(_names(graph.output)) if name in makers]
    while waiting:  # recursion would be too deep for a deep network
        makes = [makers[name] for name in graph.node[waiting[-1]].input if name in makers]
        missing = [number for number in makes if number not in ordered]
        if missing:
            waiting += reversed(missing)
        else:
            ordered[waiting.pop()] = None
    return [graph.node[number] for number in ordered]


def _names(values: Iterable[Any]) -> list[str]:
    return [value.name for value in values]
