#!/usr/bin/env bash
# The logarithm in a float64 ONNX file that tf2onnx makes is one of float32.
#
# Versions:  tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.31.1
# Guess:     A graph in float64 is float64 in the file: ONNX's Log takes double, and so does the runtime.
# Behaviour: Log stands between two casts, to float32 and back; the other operations stay double. The output is declared
#            as double and has seven digits; the logarithm of 1 + 1e-9 is 0, that of 1e300 infinite.
# Matters:   Log loss, log-scaled targets and entropies of a float64 model lose nine digits in the ONNX file alone, and
#            small ones become exactly 0.
# Source:    https://github.com/onnx/tensorflow-onnx/pull/1123 (brought the casts);
#            https://onnx.ai/onnx/operators/onnx__Log.html (takes double)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-tf2onnx==1.17.0 tensorflow==2.21.0 onnx==1.23.2 onnxruntime==1.31.1}
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'EOF' 2>"$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
import sys

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

print("tf2onnx", tf2onnx.__version__, "tensorflow", tf.__version__, "onnxruntime", onnxruntime.__version__)
x = np.array([1 + 1e-9, 1.5, 1e300])


def seen_of(operation):
    @tf.function(input_signature=[tf.TensorSpec((3,), tf.float64)])
    def function(x):
        return operation(x)

    model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    return function(x).numpy(), found, [node.op_type for node in model.graph.node]


for name, operation in (("sqrt", tf.sqrt), ("log", tf.math.log)):
    guess, found, operations = seen_of(operation)
    print(f"{name} of {x}: guess {guess}, seen {found} ({found.dtype}) by {', '.join(operations)}")
print("digits of log(1.5):", f"{found[1]:.17f}", "guess", f"{guess[1]:.17f}")
as_stated = found[0] == 0 and guess[0] > 9e-10 and 1e-9 < abs(found[1] - guess[1]) < 1e-7
sys.exit(0 if as_stated else "no longer as stated")
EOF
