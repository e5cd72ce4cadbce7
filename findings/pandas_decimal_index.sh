#!/usr/bin/env bash
# read_csv(decimal=",") without sep makes half of each number the row's name.
#
# Versions:  pandas 3.1.1
# Guess:     decimal="," says what a comma is, so 102,51 is a number; or, as the comma cannot be both, an
#            error.
# Behaviour: Fields are still divided at commas. Rows then have one field more than the header, which
#            read_csv takes for row names: 102 is the index, 51 is the value. No warning.
# Matters:   The whole part of every value is gone from the columns, the numbers that are left lie between 0
#            and 99, and training goes on.
# Source:    https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html (the rule of the extra field
#            is under index_col; nothing ties decimal to sep)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import io
import sys
import warnings

import pandas as pd

print("pandas", pd.__version__)
text = "price\n102,51\n98,07\n101,30\n"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    frame = pd.read_csv(io.StringIO(text), decimal=",")
told = pd.read_csv(io.StringIO(text), decimal=",", sep=";")

print(text)
print("guess: price [102.51, 98.07, 101.3], or an error")
print("seen:  price", frame["price"].tolist(), " index", frame.index.tolist(), " warnings", len(caught))
print("remedy: sep=';' gives", told["price"].tolist())
as_stated = frame["price"].tolist() == [51, 7, 30] and frame.index.tolist() == [102, 98, 101] and not caught
sys.exit(0 if as_stated and told["price"].tolist() == [102.51, 98.07, 101.3] else "no longer as stated")
EOF
