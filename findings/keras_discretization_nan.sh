#!/usr/bin/env bash
# Discretization puts a missing number among the largest.
#
# Versions:  Keras 3.15.1
# Guess:     NaN has no bin: an error, or one of its own.
# Behaviour: It gets the last bin, that of the largest values, without a warning; one-hot, it cannot be told from
#            them.
# Matters:   Rows without an income are learned as the richest.
# Source:    https://keras.io/api/layers/preprocessing_layers/numerical/discretization/ (does not mention NaN)
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
values = np.array([-1.0, 0.5, 5.0, np.nan])
numbers = keras.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])(values)
one_hot = keras.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0], output_mode="one_hot")(values)
numbers, one_hot = (keras.ops.convert_to_numpy(found).astype(int) for found in (numbers, one_hot))

print("guess: an error, or a number that no value has")
print("seen:  bins of -1, 0.5, 5 and NaN:", numbers.tolist())
sys.exit(0 if numbers.tolist() == [0, 1, 3, 3] and (one_hot[2] == one_hot[3]).all() else "no longer as stated")
EOF
