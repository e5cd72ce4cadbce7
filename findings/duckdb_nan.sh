#!/usr/bin/env bash
# DuckDB reads NaN as a gap from pandas and as the largest number from Arrow, Polars and Parquet.
#
# Versions:  duckdb 2.0.1, pandas 3.1.1, pyarrow 26.0.1
# Guess:     The same column gives the same query the same answer, whichever library holds it.
# Behaviour: From a pandas frame or NumPy arrays NaN becomes NULL and is left out of avg and count. From
#            Arrow (and so Polars) it stays NaN, counts as a value, makes avg NaN, and passes x > 1000000,
#            since DuckDB orders NaN above infinity.
# Matters:   Statistics for scaling, counts of gaps and filters of training rows change when the frame is
#            handed over as Arrow for speed, or when a Parquet file from another tool has NaN for null.
# Source:    https://github.com/duckdb/duckdb/issues/15379 (closed; no change for pandas)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-duckdb==2.0.1 pandas==3.1.1 pyarrow==26.0.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

print("duckdb", duckdb.__version__, "pandas", pd.__version__, "pyarrow", pa.__version__)
values = [1.0, float("nan"), 3.0]
frame, arrow = pd.DataFrame({"x": values}), pa.table({"x": values})
numpy = {"x": frame["x"].to_numpy()}
pq.write_table(arrow, "x.parquet")
seen = {}
for source in ("frame", "numpy", "arrow", "'x.parquet'"):
    query = f"select avg(x), count(x), count(*) filter (x > 1000000) from {source}"
    seen[source] = duckdb.sql(query).fetchall()[0]
    print(f"{source:>12}: mean {seen[source][0]}, values {seen[source][1]}, above a million {seen[source][2]}")
print("guess: four equal rows")
text = {source: str(row) for source, row in seen.items()}
as_stated = text["frame"] == text["numpy"] == "(2.0, 2, 0)" and text["arrow"] == text["'x.parquet'"] == "(nan, 3, 1)"
sys.exit(0 if as_stated else "no longer as stated")
EOF
