#!/usr/bin/env bash
# With MirroredStrategy `fit` fails on rows that one device trains on without a word, by the size of the first batch.
#
# Versions:  tensorflow 2.21.0, keras 3.15.1
# Guess:     Two devices divide any batch; an odd one gives one device a row more, as the last batch of an epoch does.
# Behaviour: Before the first step Keras sums the parts of the first batch over the devices to learn its shape. Parts of
#            2 and 1 rows cannot be added: InvalidArgumentError about AddN, at every call of `fit` that begins so. As the
#            last batch the same three rows are trained on.
# Matters:   A table with fewer rows than the batch size, and an odd number of them, trains on one GPU and not on two;
#            the message names neither rows nor batch size nor devices.
# Source:    https://keras.io/guides/distributed_training_with_tensorflow/ (asks for no even batch); no issue was found
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


def tried(strategy, *sizes):
    with strategy.scope():
        network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        network.compile("sgd", "mse")
    try:
        for size in sizes:
            network.fit(np.ones((size, 1)), np.ones((size, 1)), batch_size=4, verbose=0)
    except tf.errors.InvalidArgumentError as error:
        return f"{type(error).__name__}: {'AddN' if 'AddN' in str(error) else error}"
    return "trained"


one = tf.distribute.OneDeviceStrategy("/cpu:0")
two = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
seen = {sizes: (tried(one, *sizes), tried(two, *sizes)) for sizes in ((3,), (7,), (2, 3))}
for sizes, (alone, together) in seen.items():
    print(f"rows {' then '.join(map(str, sizes))} in batches of 4: one device: {alone}; two: guess trained, seen {together}")
failed = "InvalidArgumentError: AddN"
as_stated = seen == {(3,): ("trained", failed), (7,): ("trained", "trained"), (2, 3): ("trained", failed)}
sys.exit(0 if as_stated else "no longer as stated")
EOF
