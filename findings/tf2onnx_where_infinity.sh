#!/usr/bin/env bash
# tf.where, which chooses, computes in an ONNX file: an infinity that is not chosen makes NaN.
#
# Versions:  tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.31.1
# Guess:     tf.where becomes ONNX's Where, which takes each value from one side and passes over the other.
# Behaviour: It becomes condition * first + (1 - condition) * second, in float32 as in float64. Where the side that is
#            not chosen is infinite, 0 * infinity is NaN. The file holds no Where.
# Matters:   tf.where is how graphs guard a division, a logarithm or a value that is out of range; the guarded rows are
#            those that come out as NaN, and only in the ONNX file.
# Source:    https://github.com/onnx/tensorflow-onnx/pull/1199 (brought the sum, for speed), /pull/2035 (an exception)
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
x = np.array([-2.0, 0.0, 4.0])


def seen_in(dtype):
    @tf.function(input_signature=[tf.TensorSpec((3,), dtype)])
    def inverse_or_zero(x):
        return tf.where(x > 0, 1 / x, tf.zeros_like(x))

    model, _ = tf2onnx.convert.from_function(inverse_or_zero, inverse_or_zero.input_signature, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = x.astype(dtype.as_numpy_dtype)
    (found,) = session.run(None, {session.get_inputs()[0].name: given})
    return inverse_or_zero(given).numpy(), found, sorted({node.op_type for node in model.graph.node})


for dtype in (tf.float32, tf.float64):
    guess, found, operations = seen_in(dtype)
    print(f"{dtype.name}: x {x}, 1 / x where x > 0 else 0: guess {guess}, seen {found} by {', '.join(operations)}")
sys.exit(0 if np.isnan(found[1]) and np.array_equal(found[[0, 2]], guess[[0, 2]]) else "no longer as stated")
EOF
