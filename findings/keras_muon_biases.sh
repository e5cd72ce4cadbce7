#!/usr/bin/env bash
# Muon(weight_decay=0) still decays biases, and a larger weight_decay does not reach them.
#
# Versions:  keras 3.15.1, jax 0.10.2
# Guess:     weight_decay is the optimizer's weight decay, as for every other Keras optimizer: 0 switches it
#            off, 0.5 holds for all variables.
# Behaviour: Variables that are not matrices take the AdamW step with its own adam_weight_decay, 0.004 by
#            default. With gradients of 0, biases shrink at weight_decay=0, and by exactly as much at
#            weight_decay=0.5.
# Matters:   A sweep over weight_decay varies the kernels only; "without decay" is not without, and the
#            gains of normalization layers, which should stay near 1, are pulled to 0.
# Source:    https://github.com/keras-team/keras/pull/21885 (brought the argument);
#            https://keras.io/api/optimizers/muon/
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


def after_ten_steps(optimizer):
    bias, kernel = keras.Variable(np.ones(4)), keras.Variable(np.ones((4, 4)))
    optimizer.build([bias, kernel])
    for _ in range(10):
        optimizer.apply([keras.ops.zeros(4), keras.ops.zeros((4, 4))], [bias, kernel])
    return round(float(bias[0]), 4), round(float(kernel[0, 0]), 4)


print("ten steps with gradients of 0 at learning rate 0.1, all variables from 1: (bias, kernel)")
seen = {}
for decay in (0.0, 0.5):
    seen[decay] = after_ten_steps(keras.optimizers.Muon(0.1, weight_decay=decay))
    adamw = after_ten_steps(keras.optimizers.AdamW(0.1, weight_decay=decay))
    print(f"weight_decay={decay}: guess: {adamw} (AdamW's), seen: {seen[decay]}")
told = after_ten_steps(keras.optimizers.Muon(0.1, weight_decay=0.0, adam_weight_decay=0.0))
print("remedy: with adam_weight_decay=0.0 too", told)
as_stated = seen == {0.0: (0.996, 1.0), 0.5: (0.996, 0.5987)} and told == (1.0, 1.0)
sys.exit(0 if as_stated else "no longer as stated")
EOF
