#!/usr/bin/env bash
# Two weights that share one initializer without a seed start with the same numbers, without a warning.
#
# Versions:  keras 3.15.1, jax 0.10.2
# Guess:     An initializer without a seed draws anew for each weight, as torch.nn.init and NumPy's generators do;
#            Keras 2 at least warned that it does not.
# Behaviour: Each object draws its seed once, so weights of equal shape are equal. A name such as
#            "random_uniform" makes an object for each weight.
# Matters:   Kernel and bias of a layer of one's own, or the layers of a network that were given one object,
#            start as copies: parallel layers stay equal for ever, since their gradients are equal too.
# Source:    https://keras.io/api/layers/initializers/ (says that calls repeat);
#            https://github.com/keras-team/tf-keras/issues/432 (the warning of Keras 2)
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
import warnings

import keras
import numpy as np

print("keras", keras.__version__)
warnings.simplefilter("error", UserWarning)  # a warning would end this script


def are_equal(initializer, trained=False):
    inputs = keras.Input((3,))
    branches = [keras.layers.Dense(4, activation="tanh", kernel_initializer=initializer) for _ in range(2)]
    network = keras.Model(inputs, keras.layers.Add()([branch(inputs) for branch in branches]))
    if trained:
        network.compile("adam", "mse")
        x = np.random.default_rng(0).normal(size=(64, 3))
        network.fit(x, x @ np.ones((3, 4)), epochs=5, verbose=0)
    one, other = (keras.ops.convert_to_numpy(branch.kernel) for branch in branches)
    return bool(np.array_equal(one, other))


shared = keras.initializers.RandomUniform(-1, 1)
seen = are_equal(shared), are_equal(shared, trained=True), are_equal("random_uniform")
print("two layers side by side with one initializer without a seed: guess: different kernels")
print(f"seen: equal at the start: {seen[0]}, after five epochs: {seen[1]}; by its name instead: {seen[2]}")
sys.exit(0 if seen == (True, True, False) else "no longer as stated")
EOF
