#!/usr/bin/env bash
# onnxruntime's Python feed turns None and NaN among texts into the texts "None" and "nan".
#
# Versions:  onnx 1.23.2, onnxruntime 1.31.1, pandas 3.1.1
# Guess:     A cell that is no text is refused, as TensorFlow refuses it, or becomes the empty text.
# Behaviour: Each object is converted by str(): a gap of pandas arrives as "nan", null of JSON as "None",
#            bytes as "b'Bern'", 1 and 1.0 as different texts.
# Matters:   Category columns are what texts are for. A gap becomes an unknown category instead of the
#            missing one, bytes miss their category, and a code read as float (1.0) misses the code "1";
#            scores come out all the same.
# Source:    https://onnxruntime.ai/docs/api/python/api_summary.html (does not tell how object arrays are
#            converted; no issue found)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-onnx==1.23.2 onnxruntime==1.31.1 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnx import TensorProto, helper

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__, "pandas", pd.__version__)
x = helper.make_tensor_value_info("x", TensorProto.STRING, [None])
code = helper.make_tensor_value_info("code", TensorProto.INT64, [None])
known = ["", "Bern", "1"]  # the empty text stands for a gap
node = helper.make_node(
    "LabelEncoder", ["x"], ["code"], domain="ai.onnx.ml", keys_strings=known, values_int64s=[0, 1, 2], default_int64=-1
)
echo = helper.make_node("Identity", ["x"], ["text"])
text = helper.make_tensor_value_info("text", TensorProto.STRING, [None])
graph = helper.make_graph([node, echo], "codes", [x], [code, text])
opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 2)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

gap = pd.Series(["Bern", None]).to_numpy(dtype=object)[1]  # what pandas 3 has for a gap in a text column
cells = ["Bern", gap, None, b"Bern", 1, 1.0]
codes, texts = session.run(None, {"x": np.array(cells, dtype=object)})
print("categories:", known, "-> 0, 1, 2; all else -> -1")
print("guess: an error for all but the first")
for cell, number, arrived in zip(cells, codes.tolist(), texts.tolist()):
    print(f"seen:  {cell!r:>8} arrives as {arrived!r:<9} -> {number}")
as_stated = codes.tolist() == [1, -1, -1, -1, 2, -1] and texts.tolist()[1:4] == ["nan", "None", "b'Bern'"]
sys.exit(0 if as_stated else "no longer as stated")
EOF
