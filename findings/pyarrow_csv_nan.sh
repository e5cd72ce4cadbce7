#!/usr/bin/env bash
# In one CSV column pyarrow reads NaN and nan as gaps, NAN as a number.
#
# Versions:  pyarrow 26.0.1
# Guess:     Three spellings of one thing, which C's strtod and Python's float() take alike: all gaps or all
#            NaN.
# Behaviour: The marks of gaps are a list that has NaN and nan but not NAN, and the number parser takes
#            every spelling: the column is float64 with nulls and one true NaN, which null_count does not
#            count and fill_null does not fill. pandas' own parser makes the column text.
# Matters:   Files put together from several tools have several spellings. After filling the gaps, one NaN
#            is left and the loss of the first batch with it is NaN.
# Source:    https://arrow.apache.org/docs/python/generated/pyarrow.csv.ConvertOptions.html (does not list
#            the marks)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-pyarrow==26.0.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import io
import math
import sys

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

print("pyarrow", pa.__version__)
text = "x\n1.5\nNaN\nnan\nNAN\n"
column = csv.read_csv(io.BytesIO(text.encode()))["x"]
filled = pc.fill_null(column, 0.0).to_pylist()

print("file:", text.split())
print("guess: the last three alike")
print("seen: ", column.type, column.to_pylist(), " null_count", column.null_count, " filled", filled)
print("remedy: is_null(nan_is_null=True) gives", column.is_null(nan_is_null=True).to_pylist())
as_stated = column.to_pylist()[:3] == [1.5, None, None] and column.null_count == 2 and math.isnan(filled[3])
sys.exit(0 if as_stated else "no longer as stated")
EOF
