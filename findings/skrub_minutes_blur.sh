#!/usr/bin/env bash
# skrub's TableVectorizer gives rows a minute apart the same date features.
#
# Versions:  skrub 0.11.0, pandas 3.1.1
# Guess:     Beside year, month, day and hour, a date column becomes total_seconds, the seconds since 1970:
#            the fine part is in there.
# Behaviour: Dates are encoded in float32, whose neighbours lie 128 apart at 1.7e9: total_seconds has a
#            grain of two minutes, and minute and second are left out by default. The vectorizer also makes
#            float32 of the integers, so a column of Unix seconds is blurred alike.
# Matters:   It is made to turn a table into numbers for a network with one call. Rows up to two minutes
#            apart are equal, the time between two such columns is a multiple of 128 seconds, and dropping
#            repeated rows afterwards drops others too.
# Source:    https://skrub-data.org/stable/reference/generated/skrub.TableVectorizer.html (says float32, and
#            total_seconds; not what the one does to the other)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-skrub==0.11.0 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import pandas as pd
import skrub

print("skrub", skrub.__version__, "pandas", pd.__version__)
start = pd.Timestamp("2024-01-01 10:02:00")
frame = pd.DataFrame({"time": [start + pd.Timedelta(minutes=minutes) for minutes in range(4)]})
alone = skrub.DatetimeEncoder().fit_transform(frame["time"])["time_total_seconds"]
table = skrub.TableVectorizer().fit_transform(frame)
seconds = table["time_total_seconds"]
offsets = (seconds.astype("float64") - start.timestamp()).tolist()

print("columns:", list(table.columns), " dtype:", seconds.dtype)
print("guess: seconds after the first row [0, 60, 120, 180]")
print("seen: ", offsets, " different rows:", len(table.drop_duplicates()), "of", len(table))
print("DatetimeEncoder alone:", (alone.astype("float64") - start.timestamp()).tolist(), alone.dtype)
steps = [(after - before) % 128 for before, after in zip(offsets, offsets[1:])]
as_stated = seconds.dtype == "float32" and len(table.drop_duplicates()) < 4 and steps == [0, 0, 0]
sys.exit(0 if as_stated else "no longer as stated")
EOF
