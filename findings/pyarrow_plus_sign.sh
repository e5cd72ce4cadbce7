#!/usr/bin/env bash
# A plus sign makes Arrow's CSV reader take whole numbers for doubles, and large ones change.
#
# Versions:  pyarrow 26.0.1, pandas 3.1.1
# Guess:     "+9007199254740993" is the integer that it is without the sign; pandas' default engine says so.
# Behaviour: pyarrow.csv (and pandas with engine="pyarrow") reads a column with one such cell as double: the
#            number becomes 9007199254740992, without a warning. Asked for int64, it refuses the cell.
# Matters:   Signed amounts, offsets and identifiers that a spreadsheet or an instrument wrote with signs get
#            another type in one block of a file than in the next, and another value beyond 2**53.
# Source:    https://arrow.apache.org/docs/python/csv.html (inference is described without signs). Arrow's Rust
#            reader took such columns for text: https://github.com/apache/arrow-rs/pull/11105
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-pyarrow==26.0.1 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import io
import sys
import warnings

import pandas as pd
import pyarrow as pa
from pyarrow import csv

warnings.simplefilter("error")
print("pyarrow", pa.__version__, "pandas", pd.__version__)
text = b"offset,plain\n+9007199254740993,9007199254740993\n-5,-5\n"

table = csv.read_csv(io.BytesIO(text))
engine = pd.read_csv(io.BytesIO(text), engine="pyarrow")
default = pd.read_csv(io.BytesIO(text))
try:
    csv.read_csv(io.BytesIO(text), convert_options=csv.ConvertOptions(column_types={"offset": pa.int64()}))
    asked = "accepted"
except pa.ArrowInvalid as error:
    asked = str(error).splitlines()[0]

print("guess: int64 in both columns, 9007199254740993")
for name, column in (("pyarrow.csv", table["offset"].to_pylist()), ('engine="pyarrow"', engine["offset"].tolist()),
                     ("pandas' default", default["offset"].tolist())):
    print(f"seen:  {name}: {column}")
print("seen:  asked for int64:", asked)
as_stated = (
    table.schema.types == [pa.float64(), pa.int64()]
    and engine.dtypes.astype(str).tolist() == ["float64", "int64"]
    and default.dtypes.astype(str).tolist() == ["int64", "int64"]
    and int(table["offset"][0].as_py()) == 9007199254740992
    and "invalid value" in asked
)
sys.exit(0 if as_stated else "no longer as stated")
EOF
