#!/usr/bin/env bash
# The loss of weighted rows hangs on the unit of the weights; the metric of the same name does not.
#
# Versions:  Keras 3.15.1
# Guess:     sample_weight gives a weighted mean, so that weights of 10 for every row change nothing.
# Behaviour: The loss is divided by the number of rows, not by the sum of the weights: with weights of 10 it is
#            ten times as large, and with plain gradient descent so is every step. The weighted metric is divided
#            by the sum, and stays.
# Matters:   Survey weights are often in the thousands (persons per row): a learning rate that is right without
#            them diverges with them, and losses of two runs cannot be compared.
# Source:    https://github.com/keras-team/keras/issues/19740 (a reduction that divides by the sum was added, and
#            is not the default)
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
x = rng.normal(size=(64, 3)).astype("float32")
y = x @ np.array([[1.0], [2.0], [3.0]], "float32")


def trained(weight: float) -> tuple[float, float, float]:
    """Loss and metric before, and the largest weight after one step of gradient descent on all rows."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.01), "mse", weighted_metrics=["mse"])
    weights = np.full(len(x), weight, "float32")
    before = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    model.fit(x, y, sample_weight=weights, batch_size=len(x), epochs=1, verbose=0)
    return before["loss"], before["mse"], float(np.abs(model.get_weights()[0]).max())


print("guess: the same in both lines")
found = {weight: trained(weight) for weight in (1.0, 10.0)}
for weight, (loss, metric, step) in found.items():
    print(f"seen:  weights of {weight:g}: loss {loss:.3f}, metric {metric:.3f}, largest weight after a step {step:.4f}")
ratios = np.divide(found[10.0], found[1.0])
sys.exit(0 if np.allclose(ratios, [10, 1, 10], rtol=1e-3) else "no longer as stated")
EOF
