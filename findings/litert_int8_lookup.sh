#!/usr/bin/env bash
# A LiteRT file with int8 weights also rounds tables that are looked up, from 1 024 numbers on.
#
# Versions:  tensorflow 2.21.0, ai-edge-litert 2.3.0
# Guess:     Dynamic range quantization (Optimize.DEFAULT) rounds the weights of matrix products; a constant
#            that tf.gather takes a number from (means, edges, prices by code) stays as it is.
# Behaviour: Up to 1 023 numbers it does. From 1 024 on the constant is kept as int8 with one scale for all:
#            numbers up to 1 000 come back wrong by up to 3.9, and small ones as 0. Nothing is said.
# Matters:   A preprocessing table inside the model is exact while the test data is small, and rounded to 255
#            levels once it has a thousand categories.
# Source:    https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_quantization speaks of
#            weights; no page or issue was found that names looked-up constants and the bound.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-tensorflow==2.21.0 ai-edge-litert==2.3.0}
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'EOF' 2>"$folder/log"
import sys

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

print("tensorflow", tf.__version__)


def apart(count):
    """By how much what the file looks up differs at most from the table."""
    table = np.linspace(0, 1000, count).astype(np.float32)

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
        def look_up(self, place):
            return tf.gather(tf.constant(table), place)

    module = Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.look_up.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    run = Interpreter(model_content=converter.convert()).get_signature_runner()
    (found,) = run(place=np.arange(count, dtype=np.int32)).values()
    return float(np.abs(found - table).max())


seen = {count: apart(count) for count in (1023, 1024)}
for count, difference in seen.items():
    print(f"a table of {count} numbers from 0 to 1000: guess: 0 apart; seen: {difference:.2f}")
sys.exit(0 if seen[1023] == 0 and seen[1024] > 1 else "no longer as stated")
EOF
