#!/usr/bin/env bash
# With MirroredStrategy the optimizer clips each device's gradient, not their sum: the norm can be N times the bound.
#
# Versions:  tensorflow 2.21.0, keras 3.15.1
# Guess:     global_clipnorm=1 bounds the step of a batch, on two devices as on one. TensorFlow 2's own optimizers
#            refused clipping under a strategy rather than clip before the gradients are added up.
# Behaviour: Each device clips its share of the gradient, and the clipped shares are added up: the norm of the
#            sum is 2 on two devices. clipnorm and clipvalue do the same.
# Matters:   The bound that keeps training stable on one device is N times as loose on N; runs on one and on
#            several devices differ.
# Source:    https://github.com/tensorflow/tensorflow/issues/33929 (why it was refused)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-tensorflow==2.21.0 keras==3.15.1}
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=
"$folder/venv/bin/python" - <<'EOF' 2>"$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
import sys

import keras
import numpy as np
import tensorflow as tf

print("tensorflow", tf.__version__, "keras", keras.__version__)
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def length_of_a_step(strategy, **clipping):
    with strategy.scope():
        network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        network.compile(keras.optimizers.SGD(1.0, **clipping), "mse")
    x, y = np.ones((4, 1)), np.full((4, 1), 50.0)
    network.fit(x, y, batch_size=4, verbose=0)
    return round(float(network.get_weights()[0][0, 0]), 4)


one = tf.distribute.OneDeviceStrategy("/cpu:0")
two = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
print("a step of gradient descent at learning rate 1, the gradient is 100")
seen = {}
for name in ("global_clipnorm", "clipnorm", "clipvalue"):
    seen[name] = (length_of_a_step(one, **{name: 1.0}), length_of_a_step(two, **{name: 1.0}))
    print(f"{name}=1: guess 1.0 on one device and on two, seen {seen[name][0]} and {seen[name][1]}")
plain = (length_of_a_step(one), length_of_a_step(two))
print("without clipping:", *plain)
sys.exit(0 if plain == (100.0, 100.0) and set(seen.values()) == {(1.0, 2.0)} else "no longer as stated")
EOF
