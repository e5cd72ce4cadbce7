"""Runs a network's operations one by one, in another float type or with replaced operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

Instead = Mapping[str, Callable[[tf.Tensor], tf.Tensor]]  # by TensorFlow's name of an operation with one input

# Arguments whose name in `tf.raw_ops` differs from the operation's definition.
RENAMED = {"reduction_indices": "axis", "split_dim": "axis", "dim": "axis", "squeeze_dims": "axis"}
NESTED = ("PartitionedCall", "StatefulPartitionedCall")


def network_of(saved_model: Any) -> tf.types.experimental.ConcreteFunction:
    """The graph of a loaded SavedModel's network, from `(n_rows, n_inputs)` to scaled predictions or logits."""
    (function,) = saved_model.network.concrete_functions
    return function


def run_again(function: tf.types.experimental.ConcreteFunction, x: tf.Tensor, instead: Instead | None = None) -> Any:
    """Computes a function of one tensor in the type of `x`, eagerly or as part of a function that is being traced.

    Args:
        function: A function in float32.
        x: Its argument, of any float type.
        instead: Replacements of operations.

    Returns:
        A tensor of the type of `x`.
    """
    if any(operation.type in NESTED for operation in function.graph.get_operations()):
        function = convert_variables_to_constants_v2(function)  # also inlines functions that it calls
    handles = {id(variable.handle): variable for variable in function.variables}
    values: dict[str, Any] = {
        inside.name: handles.get(id(outside), outside) for outside, inside in function.graph.captures
    }
    values[function.inputs[0].name] = x
    for operation in function.graph.get_operations():
        if operation.type != "Placeholder" and operation.outputs:
            given = [values[tensor.name] for tensor in operation.inputs]
            found = _run(operation, given, x.dtype, instead or {})
            values |= zip((tensor.name for tensor in operation.outputs), found, strict=True)
    return values[function.outputs[0].name]


def _run(operation: tf.Operation, given: list[Any], dtype: tf.DType, instead: Instead) -> list[tf.Tensor]:
    """The outputs of one operation, with the requested type in place of float32."""
    if operation.type in instead:
        return [instead[operation.type](*given)]
    if operation.type == "ReadVariableOp":
        value = given[0].read_value()
        return [tf.cast(value, dtype) if value.dtype == tf.float32 else value]
    if operation.type == "Const":
        constant = tf.make_ndarray(operation.get_attr("value"))
        return [tf.constant(constant, dtype if operation.get_attr("dtype") == tf.float32 else None)]
    arguments, inferred = _arguments(operation, given)
    attributes: dict[str, Any] = {
        attribute.name: operation.get_attr(attribute.name)
        for attribute in operation.op_def.attr
        if attribute.name not in inferred
    }
    types = {name: dtype for name, value in attributes.items() if value is tf.float32}  # `==` holds for True too
    named = {RENAMED.get(name, name): value for name, value in (arguments | attributes | types).items()}
    return tf.nest.flatten(getattr(tf.raw_ops, operation.type)(**named))


def _arguments(operation: tf.Operation, given: list[Any]) -> tuple[dict[str, Any], set[str]]:
    """The inputs by name, and the attributes that follow from them."""
    arguments: dict[str, Any] = {}
    inferred, place = set(), 0
    for about in operation.op_def.input_arg:
        inferred |= {about.number_attr, about.type_attr, about.type_list_attr}
        if about.number_attr or about.type_list_attr:
            length = operation.get_attr(about.number_attr or about.type_list_attr)
            n_inputs = length if about.number_attr else len(length)
            arguments[about.name] = given[place : place + n_inputs]
        else:
            n_inputs, arguments[about.name] = 1, given[place]
        place += n_inputs
    return arguments, inferred
