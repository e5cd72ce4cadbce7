#!/usr/bin/env bash
# read_csv takes its thousands mark out wherever it stands: 1.5 becomes 15, a date becomes a number.
#
# Versions:  pandas 3.1.1
# Guess:     thousands="." joins groups of three digits, as in 1.234. What is not so grouped is no number
#            and stays text, or is an error.
# Behaviour: Every mark inside a field of digits is dropped: 1.5 is 15, 2.25 is 225, the date 2024.01.05 is
#            the integer 20240105. No warning.
# Matters:   Files from countries with a decimal comma are read with decimal="," and thousands="."; one
#            column written by a tool with points is then wrong by a power of ten that differs from row to
#            row.
# Source:    https://github.com/pandas-dev/pandas/pull/38420 (a developer notes that the C parser is not
#            strict; the reference page of read_csv does not say so)
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

import pandas as pd

print("pandas", pd.__version__)
text = "price;width;day\n1.234,5;1.5;2024.01.05\n2.000,0;2.25;2024.01.06\n"
frame = pd.read_csv(io.StringIO(text), sep=";", decimal=",", thousands=".")
plain = pd.read_csv(io.StringIO(text), sep=";", decimal=",")

print(text)
print("guess: price [1234.5, 2000.0]; width and day stay text")
print("seen: ", frame.to_dict("list"))
print("without thousands:", plain.to_dict("list"))
as_stated = frame.to_dict("list") == {
    "price": [1234.5, 2000.0],
    "width": [15, 225],
    "day": [20240105, 20240106],
}
sys.exit(0 if as_stated else "no longer as stated")
EOF
