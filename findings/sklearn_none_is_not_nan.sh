#!/usr/bin/env bash
# An encoder that was fitted on NaN takes None for an unknown category.
#
# Versions:  scikit-learn 1.9.1, pandas 3.1.1
# Guess:     pandas calls both missing, so an encoder that has learned a missing value knows the other
#            spelling too.
# Behaviour: OneHotEncoder and OrdinalEncoder keep None and NaN apart: with unknowns allowed, None becomes
#            the row of zeros or the code of an unknown.
# Matters:   pandas 3 gives NaN for a gap in a text column of a CSV file; JSON and object columns give None.
#            The same gap gets one encoding in training and another in service.
# Source:    https://github.com/scikit-learn/scikit-learn/issues/25669 (open)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-scikit-learn==1.9.1 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import json
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

print("scikit-learn", sklearn.__version__, "pandas", pd.__version__)
train = pd.DataFrame({"city": ["Bern", None, "Basel"]})  # pandas 3: dtype str, the gap is NaN
served = np.array([[row["city"]] for row in json.loads('[{"city": null}, {"city": "Bern"}]')], dtype=object)

one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(train)
ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2).fit(train)
nan_row, none_row = one_hot.transform(train)[1].tolist(), one_hot.transform(served)[0].tolist()
nan_code, none_code = ordinal.transform(train)[1, 0], ordinal.transform(served)[0, 0]

print("categories:", one_hot.categories_[0].tolist())
print("guess: None is encoded as NaN is")
print("seen:  OneHotEncoder  NaN", nan_row, " None", none_row)
print("seen:  OrdinalEncoder NaN", nan_code, " None", none_code, "(-1 was asked for unknown ones, -2 for gaps)")
as_stated = nan_row == [0, 0, 1] and none_row == [0, 0, 0] and (nan_code, none_code) == (-2, -1)
sys.exit(0 if as_stated else "no longer as stated")
EOF
