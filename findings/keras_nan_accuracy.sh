#!/usr/bin/env bash
# A Keras network whose outputs are all NaN has an accuracy: the share of class 0.
#
# Versions:  keras 3.15.1, jax 0.10.2
# Guess:     NaN in, NaN out: the accuracy of a diverged classifier is NaN, or at least 0.
# Behaviour: NaN > 0.5 is False and the argmax of a row of NaN is 0, so BinaryAccuracy and
#            SparseCategoricalAccuracy count every row of class 0 as right. On data with nine negatives in
#            ten that is 0.9, beside a loss of NaN.
# Matters:   Early stopping, checkpoints and searches that follow val_accuracy keep a dead network with the
#            score of the majority class, which is often the score to beat.
# Source:    https://keras.io/api/metrics/accuracy_metrics/ (says nothing of NaN; no issue found)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-keras==3.15.1 jax==0.10.2}
cd "$folder"
export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
"$folder/venv/bin/python" - <<'EOF'
import sys

import keras
import numpy as np

print("keras", keras.__version__)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(200, 3)), (np.arange(200) % 10 == 0).astype("int32")  # one positive in ten


def scores(outputs, activation, loss):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(outputs, activation=activation)])
    model.compile(loss=loss, metrics=["accuracy"])
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    result = model.evaluate(x, y, verbose=0, return_dict=True)
    return {name: round(float(value), 6) for name, value in result.items()}


binary = scores(1, "sigmoid", "binary_crossentropy")
classes = scores(3, "softmax", "sparse_categorical_crossentropy")
print("guess: accuracy NaN")
print("seen:  sigmoid, binary_crossentropy            ", binary)
print("seen:  softmax, sparse_categorical_crossentropy", classes)
as_stated = binary["accuracy"] == classes["accuracy"] == 0.9 and np.isnan(binary["loss"]) and np.isnan(classes["loss"])
sys.exit(0 if as_stated else "no longer as stated")
EOF
