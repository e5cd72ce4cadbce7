"""Runs an ONNX file with ONNX Runtime: MODEL INPUTS.npz OUTPUTS.npz."""

import sys

sys.modules["pipeline"] = sys.modules["keras"] = sys.modules["tensorflow"] = None  # type: ignore[assignment]

import numpy as np
import onnxruntime

model, inputs, outputs = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
with np.load(inputs, allow_pickle=False) as given:
    found = session.run(names, dict(given))
np.savez(outputs, **dict(zip(names, found, strict=True)))
