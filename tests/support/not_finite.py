"""What operations make of numbers that are not finite, in each runtime.

As a script it prints the cells of the eager and the graph column: oneDNN is set before TensorFlow starts.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

N_ROWS = 9  # a vector instruction's worth and a rest: the two may differ
ONES = 16  # inputs and outputs of the dense layer
KERNEL, BIAS = tf.Variable(np.ones((ONES, ONES), np.float32)), tf.Variable(np.zeros(ONES, np.float32))

Tensor = Any


def _beside_ones(x: Tensor, *, first: bool = True) -> Tensor:
    pair = [x, tf.ones_like(x)]
    return tf.stack(pair if first else pair[::-1], axis=1)


OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu(x)": tf.nn.relu,
    "relu(x @ kernel + bias)": lambda x: tf.nn.relu(tf.stack([x] * ONES, axis=1) @ KERNEL + BIAS)[:, 0],
    "maximum(x, 1)": lambda x: tf.maximum(x, 1.0),
    "minimum(x, 1)": lambda x: tf.minimum(x, 1.0),
    "reduce_max([x, 1])": lambda x: tf.reduce_max(_beside_ones(x), axis=1),
    "reduce_max([1, x])": lambda x: tf.reduce_max(_beside_ones(x, first=False), axis=1),
    "softmax([x, 1])": lambda x: tf.nn.softmax(_beside_ones(x)),
    "softplus(x)": tf.nn.softplus,
    "selu(x)": tf.nn.selu,
    "exp(x)": tf.exp,
    "where(is_finite(x), x, 1)": lambda x: tf.where(tf.abs(x) < 1e30, x, 1.0),
}
ROWS = [
    *((name, "NaN") for name in OPERATIONS),
    *((name, "inf") for name in ("maximum(x, 1)", "softmax([x, 1])", "softplus(x)", "where(is_finite(x), x, 1)")),
]


def cell(found: np.ndarray) -> str:
    """The values of a row, as the page has them; those of all rows, where rows of one input differ."""
    return " or ".join(sorted({", ".join(_written(value) for value in np.atleast_1d(row)) for row in found}))


def _written(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:.4g}"


def _given(x: str) -> np.ndarray:
    return np.full(N_ROWS, float(x), np.float32)


def _all(x: Tensor) -> dict[str, Tensor]:
    return {f"output_{number:02}": operation(x) for number, operation in enumerate(OPERATIONS.values())}


def _cells(run: Callable[[np.ndarray], Iterable[np.ndarray]]) -> dict[str, str]:
    """By `operation of x`, what a runtime gives that computes all operations at once."""
    found = {x: dict(zip(OPERATIONS, run(_given(x)), strict=True)) for x in ("NaN", "inf")}
    return {f"{name} of {x}": cell(np.asarray(found[x][name])) for name, x in ROWS}


def _in_order(outputs: dict[str, Any]) -> list[np.ndarray]:
    return [np.asarray(outputs[name]) for name in sorted(outputs)]


@functools.cache
def graph() -> Any:
    """All operations in one graph."""
    return tf.function(_all, input_signature=[tf.TensorSpec([None], tf.float32, name="x")])


def eager_cells() -> dict[str, str]:
    return _cells(lambda x: _in_order(_all(tf.constant(x))))


def graph_cells() -> dict[str, str]:
    return _cells(lambda x: _in_order(graph()(tf.constant(x))))


def xla_cells() -> dict[str, str]:
    compiled = tf.function(_all, jit_compile=True)
    return _cells(lambda x: _in_order(compiled(tf.constant(x))))


def onnx_cells() -> dict[str, str]:
    """With the handlers of the pipeline's own export."""
    import onnxruntime
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from pipeline.export.formats import onnx

    model = onnx.converted(convert_variables_to_constants_v2(graph().get_concrete_function()))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return _cells(lambda x: session.run(None, {name: x}))


def litert_cells() -> dict[str, str]:
    """As the converter writes them; the pipeline's export has a softplus of its own."""
    from ai_edge_litert.interpreter import Interpreter

    kept = tf.Module()
    kept.weights = [KERNEL, BIAS]
    content = tf.lite.TFLiteConverter.from_concrete_functions([graph().get_concrete_function()], kept).convert()
    runner = Interpreter(model_content=content).get_signature_runner()
    return _cells(lambda x: _in_order(runner(x=x)))


if __name__ == "__main__":
    json.dump({"eager": eager_cells(), "graph": graph_cells()}, sys.stdout)
