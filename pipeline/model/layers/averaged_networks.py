"""Combines several trained networks into one."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from pipeline.model.layers.stacked_members import MeanOfMembers


def ensemble(networks: Sequence[keras.Model], entries: Sequence[int], task: str) -> keras.Model:
    """Makes a network that returns the mean of others; for classes, the logits of their mean probabilities.

    Args:
        networks: Networks of the same inputs, each with outputs `(n_rows, n_outputs)`.
        entries: Indices of networks; an index that occurs twice counts twice.
        task: `regression`, `binary` or `multiclass`.
    """
    x = keras.Input(networks[0].input_shape[1:], name="x")
    outputs = {}
    for number in dict.fromkeys(entries):
        one = networks[number]
        found = keras.Model(one.input, one.output, name=f"network_{number}")(x)  # layer names must be unique
        outputs[number] = keras.layers.Reshape((1, found.shape[-1]), name=f"entry_{number}")(found)
    apart = [outputs[number] for number in entries]
    joined = keras.layers.Concatenate(axis=1, name="entries")(apart) if len(apart) > 1 else apart[0]
    return keras.Model(x, MeanOfMembers(task, name="mean")(joined), name="ensemble")
