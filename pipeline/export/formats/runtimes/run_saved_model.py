"""Runs signatures of a SavedModel with TensorFlow alone: MODEL INPUTS.npz OUTPUTS.npz SIGNATURE ..."""

import sys

sys.modules["pipeline"] = sys.modules["keras"] = None  # type: ignore[assignment]  # importing either fails now

import numpy as np
import tensorflow as tf

model, inputs, outputs, *signatures = sys.argv[1:]
loaded = tf.saved_model.load(model)
with np.load(inputs, allow_pickle=False) as given:
    tensors = {name: tf.constant(value.tolist() if value.dtype.kind == "U" else value) for name, value in given.items()}
found = {}
for signature in signatures:
    for name, value in loaded.signatures[signature](**tensors).items():
        if value.dtype != tf.string:  # labels follow from probabilities
            found[f"{signature}/{name}"] = value.numpy()
np.savez(outputs, **found)
