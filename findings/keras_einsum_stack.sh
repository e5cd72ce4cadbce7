#!/usr/bin/env bash
# EinsumDense with one kernel per member draws them as if they were one wide layer: 2.4 times too small.
#
# Versions:  keras 3.15.1, jax 0.10.2
# Guess:     EinsumDense("bki,kio->bko") is K dense layers side by side, so each kernel has the bound of a
#            dense layer, sqrt(6 / (inputs + outputs)). The layer now works out the axes of its fans from
#            the equation.
# Behaviour: The member axis counts as outputs too: the bound is sqrt(6 / (inputs + K * outputs)). A kernel
#            that a layer of one's own adds in this shape is worse: it is taken for a convolution, with
#            sqrt(6 / (K * inputs + K * outputs)).
# Matters:   Ensembles of dense networks trained as one (TabM and its kin) start smaller the more members
#            they have; a comparison of K = 1 with K = 32 is also one of two initializations.
# Source:    https://github.com/keras-team/keras/pull/22789 (brought the axes); the arguments input_axes and
#            output_axes are not in the docstring of GlorotUniform
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
members, inputs, outputs = 8, 16, 32


def bound(initializer="glorot_uniform"):
    layer = keras.layers.EinsumDense("bki,kio->bko", (members, outputs), kernel_initializer=initializer)
    layer.build((None, members, inputs))
    return float(np.abs(keras.ops.convert_to_numpy(layer.kernel)).max())


keras.utils.set_random_seed(0)
alone = (6 / (inputs + outputs)) ** 0.5
wide = (6 / (inputs + members * outputs)) ** 0.5
convolution = (6 / (members * (inputs + outputs))) ** 0.5
seen = bound()
stack = keras.initializers.GlorotUniform(seed=0)((members, inputs, outputs))
bare = float(np.abs(keras.ops.convert_to_numpy(stack)).max())
told = bound(keras.initializers.RandomUniform(-alone, alone))
print(f"guess: largest weight {alone:.3f}")
print(f"seen:  EinsumDense {seen:.3f} (one wide layer: {wide:.3f})")
print(f"seen:  the initializer alone {bare:.3f} (a convolution: {convolution:.3f})")
print(f"remedy: RandomUniform with the bound of one member gives {told:.3f}")
as_stated = all(0.99 * limit < value <= limit for value, limit in [(seen, wide), (bare, convolution), (told, alone)])
sys.exit(0 if as_stated else "no longer as stated")
EOF
