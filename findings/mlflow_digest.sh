#!/usr/bin/env bash
# MLflow's dataset digest sees 10 000 rows of a frame, 10 000 numbers of an array, and no dates or flags.
#
# Versions:  mlflow-skinny 3.17.2, pandas 3.1.1
# Guess:     Two runs that show the same digest were trained on the same data; that is what the digest is
#            for.
# Behaviour: Only the first 10 000 rows and only columns of numbers and text are hashed, with the shape:
#            other values further down, or in a boolean or date column of any length, give the same digest.
#            A NumPy array is flattened first: with 100 columns, 100 rows count.
# Matters:   Corrected labels, a repaired column or another order of the later rows leave the digest as it
#            was, and runs on both are shown as runs on one data set.
# Source:    https://github.com/mlflow/mlflow/issues/11560 (open) and .../issues/22275 (closed without a
#            change)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-mlflow-skinny==3.17.2 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import mlflow
import mlflow.data
import numpy as np
import pandas as pd

print("mlflow", mlflow.__version__, "pandas", pd.__version__)
frame = pd.DataFrame({"x": np.arange(20_000.0), "sold": [True, False] * 10_000})
later, flags, early = frame.copy(), frame.copy(), frame.copy()
later.loc[10_000:, "x"] = -1.0
flags["sold"] = True
early.loc[9_999, "x"] = -1.0
array = np.zeros((500, 100))
rows = array.copy()
rows[100:] = 7.0

frames = {"frame": frame, "x from row 10 000 on": later, "all flags": flags, "x in row 9 999": early}
seen = {name: mlflow.data.from_pandas(data).digest for name, data in frames.items()}
arrays = [mlflow.data.from_numpy(data).digest for data in (array, rows)]
for name, digest in seen.items():
    print(f"{name if name == 'frame' else 'changed: ' + name:<30} {digest}")
print(f"array of 500 x 100             {arrays[0]}\nchanged: its rows from 100 on  {arrays[1]}")
print("guess: six different digests")
first, a, b, c = seen.values()
sys.exit(0 if first == a == b != c and arrays[0] == arrays[1] else "no longer as stated")
EOF
