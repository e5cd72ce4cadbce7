"""ONNX files, by tf2onnx; names in them are given anew, so that the same model makes the same bytes."""

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
    """tf2onnx takes logarithms of float64 in float32, which ONNX has not asked for."""


def _where(context: Any, node: Any, name: str, arguments: Any) -> None:
    """tf2onnx makes a choice of products with 0 and 1, so that infinity in what is not chosen becomes NaN."""
    node.type = "Where"


HANDLERS = {"Log": _as_it_is, "SelectV2": _where}  # by TensorFlow's operation, instead of tf2onnx's own


def convert(built: Portable) -> bytes:
    """The file's content.

    Raises:
        ExportError: tf2onnx is not installed, or the network has an operation that ONNX does not know.
    """
    try:
        from onnx import defs
    except ImportError:
        raise ExportError("--format onnx needs the packages of the extra: pip install 'dense-pipeline[onnx]'") from None
    frozen = convert_variables_to_constants_v2(built.function)
    try:
        with stderr.only_lines(lambda line: False):  # the converter writes hundreds
            model = converted(frozen)
    except Exception as error:  # tf2onnx raises whatever it stumbles on
        raise ExportError(f"ONNX cannot express the network: {str(error).strip().splitlines()[0]}") from None
    inputs, outputs = ([tensor.name for tensor in part] for part in (frozen.inputs, frozen.outputs))
    # tf2onnx leaves in the file, under TensorFlow's name, what it cannot express.
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
    """The ONNX model of a function without variables, as tf2onnx makes it."""
    from tf2onnx.convert import from_graph_def

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    inputs, outputs = ([tensor.name for tensor in part] for part in (frozen.inputs, frozen.outputs))
    graph = frozen.graph.as_graph_def()
    handlers: dict[str, Any] = {name: (handler, []) for name, handler in HANDLERS.items()}
    model, _ = from_graph_def(graph, input_names=inputs, output_names=outputs, opset=OPSET, custom_op_handlers=handlers)
    return model


def output_names(built: Portable) -> dict[str, str]:
    """What the file calls each output: `prediction_output` where an input, which keeps its name, is `prediction`.

    All names of an ONNX graph are different, those of inputs and outputs too.
    """
    taken = {column.argument for column in built.model.manifest.inputs.values()}
    return {name: _free(name, taken, "output") for name in built.outputs}


def _free(name: str, taken: Collection[str], ending: str) -> str:
    while name in taken:
        name = f"{name}_{ending}"
    return name


def _rename(model: Any, names: dict[str, str]) -> None:
    """Orders nodes and constants by their way to the outputs, and names them by their place.

    tf2onnx counts names on from one conversion to the next, and orders by sets of them.
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
    copies = [type(entry).FromString(entry.SerializeToString()) for entry in kept]  # which live on without the graph
    del entries[:]
    entries.extend(copies)


def _inner_names(nodes: list[Any], constants: list[Any], given: set[str]) -> dict[str, str]:
    """New names of what is neither input nor output, none of them one of those given."""
    places = {tensor.name: f"constant_{number}" for number, tensor in enumerate(constants)}
    for number, node in enumerate(nodes):
        places |= {output: f"value_{number}_{place}" for place, output in enumerate(node.output)}
    return {name: _free(place, given, "inside") for name, place in places.items()}


def _in_order(graph: Any) -> list[Any]:
    """The nodes on the way to the outputs, each after those it takes from."""
    makers = {output: number for number, node in enumerate(graph.node) for output in node.output}
    ordered: dict[int, None] = {}
    waiting = [makers[name] for name in reversed(_names(graph.output)) if name in makers]
    while waiting:  # a deep network would be too deep for recursion
        makes = [makers[name] for name in graph.node[waiting[-1]].input if name in makers]
        missing = [number for number in makes if number not in ordered]
        if missing:
            waiting += reversed(missing)
        else:
            ordered[waiting.pop()] = None
    return [graph.node[number] for number in ordered]


def _names(values: Iterable[Any]) -> list[str]:
    return [value.name for value in values]
