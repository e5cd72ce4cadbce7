#!/usr/bin/env bash
# Softplus in a LiteRT file is wrong from an input of 89 on, where it is just the input.
#
# Versions:  tensorflow 2.21.0, ai-edge-litert 2.3.0
# Guess:     The converter keeps the values of an activation: softplus(100) is 100, as Keras, TensorFlow and
#            ONNX have it.
# Behaviour: There is no softplus operation; it is written as log(1 + exp(x)) in float32, and exp(x) has no
#            number in float32 from 88.7 on. The result is infinity or, where the kernel bounds exp, 88.38
#            for every larger input. Nothing is said when converting. Below -17 it is 0.
# Matters:   Softplus is the usual last step for targets above 0 (rates, amounts, scales of a distribution),
#            where large outputs are the point.
# Source:    https://github.com/tensorflow/tensorflow/issues/120300 (closed) and .../issues/60892
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-tensorflow==2.21.0 ai-edge-litert==2.3.0}
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'EOF'
import sys

import ai_edge_litert
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

print("tensorflow", tf.__version__, "ai-edge-litert", getattr(ai_edge_litert, "__version__", "2.3.0"))
x = np.array([[-20, 0, 20, 88, 89, 100, 1000]], dtype=np.float32)


class Module(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((1, 7), tf.float32)])
    def softplus(self, x):
        return tf.nn.softplus(x)


module = Module()
converter = tf.lite.TFLiteConverter.from_concrete_functions([module.softplus.get_concrete_function()], module)
interpreter = Interpreter(model_content=converter.convert())
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
interpreter.invoke()
lite, full = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0], module.softplus(x).numpy()[0]

print("input:      ", x[0])
print("TensorFlow: ", full, " (the guess)")
print("seen: LiteRT", lite)
exact = np.allclose(full[3:], x[0, 3:]) and np.allclose(lite[1:4], full[1:4])
as_stated = exact and not np.isclose(lite[5:], full[5:]).any()
sys.exit(0 if as_stated else "no longer as stated")
EOF
