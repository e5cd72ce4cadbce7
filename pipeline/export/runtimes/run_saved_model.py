"""Runs a SavedModel's signature with TensorFlow alone: MODEL INPUTS.npz OUTPUTS.npz SIGNATURE."""

import sys

sys.modules["pipeline"] = sys.modules["keras"] = None  # type: ignore[assignment]  # importing either fails now

import numpy as np
import tensorflow as tf

model, inputs, outputs, signature = sys.argv[1:]
loaded = tf.saved_model.load(model)
with np.load(inputs, allow_pickle=False) as given:
    tensors = {
        name: tf.constant(values.tolist() if values.dtype.kind == "U" else values) for name, values in given.items()
    }
found = loaded.signatures[signature](**tensors)
np.savez(outputs, **{name: value.numpy() for name, value in found.items() if value.dtype != tf.string})
