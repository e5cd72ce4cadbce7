"""Runs a LiteRT file: MODEL INPUTS.npz OUTPUTS.npz."""

import sys

sys.modules["pipeline"] = sys.modules["keras"] = None  # type: ignore[assignment]  # importing either fails now

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, inputs, outputs = sys.argv[1:]
interpreter = Interpreter(model_path=model)
with np.load(inputs, allow_pickle=False) as given:
    found = interpreter.get_signature_runner()(**given)
np.savez(outputs, **found)
