#!/usr/bin/env bash
# ONNX Cast from text to float takes the digits in front and drops the rest: "1,5" is 1, "12 345" is 12.
#
# Versions:  onnx 1.23.2, onnxruntime 1.31.1
# Guess:     A text that is not a number as a whole is an error, as it is for float() in Python and for a
#            text without any digit here.
# Behaviour: Only the beginning has to be a number. "1,5" gives 1.0, "12 345" gives 12.0, "0x10" gives 16.0
#            and "3 rooms" gives 3.0, with no error; "rooms" is refused.
# Matters:   A graph that takes table cells as text and casts them inside (as exporters of preprocessing do)
#            scores numbers with a decimal comma or blanks between thousands as other numbers.
# Source:    https://onnx.ai/onnx/operators/onnx__Cast.html (plain and scientific forms are supported, what
#            is no number is undefined; onnxruntime refuses some of that and cuts the rest)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-onnx==1.23.2 onnxruntime==1.31.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
onnxruntime.set_default_logger_severity(4)
x = helper.make_tensor_value_info("x", TensorProto.STRING, [None])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])
graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)], "cast", [x], [y])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

seen = {}
for cell in ("1.5", "1,5", "12 345", "0x10", "3 rooms", "rooms"):
    try:
        seen[cell] = float(session.run(None, {"x": np.array([cell], dtype=object)})[0][0])
    except Exception as error:
        seen[cell] = type(error).__name__
    print(f"guess: {'1.5' if cell == '1.5' else 'an error':<9} seen: {cell!r} -> {seen[cell]}")
numbers = [1.5, 1.0, 12.0, 16.0, 3.0]
sys.exit(0 if list(seen.values())[:5] == numbers and isinstance(seen["rooms"], str) else "no longer as stated")
EOF
