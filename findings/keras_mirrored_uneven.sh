#!/usr/bin/env bash
# With MirroredStrategy the rows of a batch that does not divide evenly over the devices do not count alike.
#
# Versions:  tensorflow 2.21.0, keras 3.15.1
# Guess:     Two devices share a batch and do the step of one device: the gradient is that of the mean over the batch.
#            TensorFlow's guide for loops of one's own divides each device's sum by the size of the whole batch.
# Behaviour: Each device takes the mean over its own rows, and the means count alike. Of three rows on two devices the
#            one that is alone weighs as much as the other two together.
# Matters:   The last batch of an epoch is seldom even: on two devices its rows have unlike weights, and runs on one and on
#            two devices differ by more than rounding.
# Source:    https://github.com/keras-team/keras/pull/20609 (scales the loss by the number of devices);
#            https://www.tensorflow.org/tutorials/distribute/custom_training (divides by the whole batch)
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


def after_a_step(strategy, targets):
    with strategy.scope():
        network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        network.compile(keras.optimizers.SGD(0.5), "mse")
    x = np.array([[0.0]] * 4 + [[1.0]] * len(targets))  # the first batch has a gradient of 0
    y = np.array([[0.0]] * 4 + [[target] for target in targets])
    network.fit(x, y, batch_size=4, verbose=0, shuffle=False)
    return round(float(network.get_weights()[0][0, 0]), 4)


one = tf.distribute.OneDeviceStrategy("/cpu:0")
two = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
print("a constant is fitted to the targets of the last batch by one step that goes to their mean")
three, two_rows = (0.0, 0.0, 3.0), (0.0, 3.0)
seen = {targets: (after_a_step(one, targets), after_a_step(two, targets)) for targets in (three, two_rows)}
print(f"targets 0, 0, 3: guess 1.0 on one device and on two; seen {seen[three][0]} and {seen[three][1]}")
print(f"targets 0, 3: {seen[two_rows][0]} and {seen[two_rows][1]}")
sys.exit(0 if seen == {three: (1.0, 1.5), two_rows: (1.5, 1.5)} else "no longer as stated")
EOF
