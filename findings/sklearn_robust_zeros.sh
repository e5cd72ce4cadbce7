#!/usr/bin/env bash
# RobustScaler leaves a column alone if three quarters of its values are the same.
#
# Versions:  scikit-learn 1.9.1
# Guess:     The scaler for columns with outliers brings every column to a common scale, or says that it
#            cannot.
# Behaviour: The interquartile range of such a column is 0, and a range of 0 is replaced by 1: the column
#            keeps its own unit, here a deviation of 100 beside 0.7, without a warning.
# Matters:   Amounts that are mostly 0 (capital gains, precipitation, counts of rare events) dominate all
#            other inputs of a dense network, and the run that chose "robust" for such columns trains worst
#            on them.
# Source:    https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.RobustScaler.html (says
#            nothing of a range of 0)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-scikit-learn==1.9.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys
import warnings

import numpy as np
import sklearn
from sklearn.preprocessing import RobustScaler, StandardScaler

print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
rng = np.random.default_rng(0)
gain = np.where(rng.uniform(size=5000) < 0.8, 0.0, rng.gamma(2, 100, size=5000))
x = np.column_stack([gain, rng.normal(size=5000)])

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    scaler = RobustScaler().fit(x)
robust, standard = scaler.transform(x), StandardScaler().fit_transform(x)

print("guess: deviations of the same order, or a warning")
print(
    "seen:  RobustScaler deviations  ",
    robust.std(axis=0).round(2),
    "scale",
    scaler.scale_.round(2),
    "warnings",
    len(caught),
)
print("       StandardScaler deviations", standard.std(axis=0).round(2))
as_stated = scaler.scale_[0] == 1 and robust[:, 0].std() > 90 and robust[:, 1].std() < 1 and not caught
sys.exit(0 if as_stated else "no longer as stated")
EOF
