#!/usr/bin/env bash
# QuantileTransformer puts a column's zeros at -5.2 standard deviations if there are many of them.
#
# Versions:  scikit-learn 1.9.1
# Guess:     With output_distribution="normal" the result looks normal. The six rows in ten that are 0 share
#            one moderate value, about that of their mean rank, -0.5.
# Behaviour: They all become -5.2, the lower bound of the output, and the next larger value lies above 0.2:
#            the scaled column has mean -2.75 and a standard deviation of 3.
# Matters:   This scaling is the usual one for dense networks on tables, and columns of amounts, counts and
#            durations are full of zeros at their lower end: most rows get an input that looks like an
#            extreme outlier.
# Source:    https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.QuantileTransformer.html
#            (tells of the bounds for values outside the fitted range, not of ties at its ends)
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
from sklearn.preprocessing import QuantileTransformer

print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
rng = np.random.default_rng(0)
amount = np.where(rng.uniform(size=5000) < 0.6, 0.0, rng.gamma(2, 100, size=5000))
column = amount[:, np.newaxis]

scaled = QuantileTransformer(output_distribution="normal").fit_transform(column).ravel()
of_zeros, others = np.unique(scaled[amount == 0]), scaled[amount > 0]
# The same zeros in the middle of a column are given the middle of their ranks.
both_sides = np.concatenate([amount, -amount])[:, np.newaxis]
middle = QuantileTransformer(output_distribution="normal").fit(both_sides).transform([[0.0]])[0, 0]

print(f"rows that are 0: {np.mean(amount == 0):.0%}")
print("guess: zeros at about -0.5, mean about 0, deviation about 1")
print(f"seen:  zeros at {of_zeros}, the next value at {others.min():.2f}")
print(f"seen:  mean {scaled.mean():.2f}, deviation {scaled.std():.2f}")
print(f"seen:  zeros in the middle of a symmetric column: {middle:.2f}")
as_stated = len(of_zeros) == 1 and of_zeros[0] < -5 and others.min() > 0 and scaled.std() > 2.5 and abs(middle) < 0.1
sys.exit(0 if as_stated else "no longer as stated")
EOF
