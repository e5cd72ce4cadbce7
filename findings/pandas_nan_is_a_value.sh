#!/usr/bin/env bash
# Of the ways to read one Parquet file in pandas, one has a NaN that neither isna nor fillna finds.
#
# Versions:  pandas 3.1.1, pyarrow 26.0.1
# Guess:     A NaN in a float column is missing, with whatever dtype_backend the file is read.
# Behaviour: With dtype_backend="pyarrow" only null is missing: isna is False for the NaN, dropna and fillna
#            leave it, and the mean is NaN. With the other two, NaN and null are both missing.
# Matters:   Imputation runs, reports nothing missing, and the first batch with that row makes the loss NaN.
#            A file that was written by another tool (NaN) or by pandas (null) behaves differently.
# Source:    https://pandas.pydata.org/docs/reference/api/pandas.read_parquet.html (dtype_backend is
#            described by dtypes alone)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-pandas==3.1.1 pyarrow==26.0.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

print("pandas", pd.__version__, "pyarrow", pa.__version__)
pq.write_table(pa.table({"x": [1.0, float("nan"), None]}), "x.parquet")
seen = {}
for backend in (None, "numpy_nullable", "pyarrow"):
    how = {} if backend is None else {"dtype_backend": backend}
    x = pd.read_parquet("x.parquet", **how)["x"]
    seen[backend] = (x.isna().tolist(), [float(value) for value in x.fillna(0)], len(x.dropna()), float(x.mean()))

print("column: 1.0, NaN, null;  guess: isna [False, True, True] in all three")
for backend, (isna, filled, left, mean) in seen.items():
    print(f"seen:  {backend!s:>14}  isna {isna}  fillna(0) {filled}  rows after dropna {left}  mean {mean}")
as_stated = (
    seen[None] == seen["numpy_nullable"] == ([False, True, True], [1.0, 0.0, 0.0], 1, 1.0)
    and seen["pyarrow"][0] == [False, False, True]
    and seen["pyarrow"][1][1] != seen["pyarrow"][1][1]
    and seen["pyarrow"][2] == 2
)
sys.exit(0 if as_stated else "no longer as stated")
EOF
