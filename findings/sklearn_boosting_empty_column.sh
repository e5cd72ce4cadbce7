#!/usr/bin/env bash
# Histogram gradient boosting takes NaN, but not a column that is all NaN.
#
# Versions:  scikit-learn 1.9.1
# Guess:     "Missing values are supported natively": a column without any value is one that no split uses, as
#            for LightGBM and XGBoost.
# Behaviour: fit ends with "ValueError: window shape cannot be larger than input array shape", which names
#            neither the column nor NaN. With a single value in the column it works.
# Matters:   A fold, a time window or a group of rows often leaves a column without a value; a table that
#            trained yesterday fails today with a message about windows.
# Source:    https://scikit-learn.org/stable/modules/ensemble.html#missing-values-support is silent on it; no
#            issue was found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-scikit-learn==1.9.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor

print("scikit-learn", sklearn.__version__)
rng = np.random.default_rng(0)
x = rng.normal(size=(200, 3))
y = x[:, 0]


def fitted(values):
    column = np.full(200, np.nan)
    column[: len(values)] = values
    try:
        HistGradientBoostingRegressor(max_iter=5).fit(np.column_stack([x, column]), y)
    except ValueError as error:
        return f"ValueError: {error}"
    return "fits"


seen = {count: fitted(np.arange(count, dtype=float)) for count in (0, 1, 2)}
for count, result in seen.items():
    print(f"a column with {count} values and {200 - count} NaN: guess: fits; seen: {result}")
as_stated = "window shape" in seen[0] and seen[2] == "fits"
sys.exit(0 if as_stated else "no longer as stated")
EOF
