#!/usr/bin/env bash
# OrdinalEncoder does not look at the order of an ordered categorical.
#
# Versions:  scikit-learn 1.9.1, pandas 3.1.1
# Guess:     A column whose dtype says low < medium < high is numbered 0, 1, 2 in that order by the encoder
#            that is named for order.
# Behaviour: The values are taken as plain text and sorted: high is 0, low is 1, medium is 2. Nothing is
#            said.
# Matters:   A rank that the data carried is scrambled before the network sees it: a number that should rise
#            with the target jumps about.
# Source:    https://github.com/scikit-learn/scikit-learn/issues/14953 (open; the reference page says only
#            that `auto` takes the categories from the training data)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-scikit-learn==1.9.1 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import pandas as pd
import sklearn
from sklearn.preprocessing import OrdinalEncoder

print("scikit-learn", sklearn.__version__, "pandas", pd.__version__)
levels = ["low", "medium", "high"]
frame = pd.DataFrame({"quality": pd.Categorical(levels, categories=levels, ordered=True)})

codes = frame["quality"].cat.codes.tolist()
encoded = OrdinalEncoder().fit_transform(frame).ravel().tolist()
told = OrdinalEncoder(categories=[levels]).fit_transform(frame).ravel().tolist()

print("guess: pandas' own codes       ", dict(zip(levels, codes)))
print("seen:  OrdinalEncoder()        ", dict(zip(levels, encoded)))
print("remedy: categories=[[...]] gives", dict(zip(levels, told)))
sys.exit(0 if encoded == [1, 2, 0] and told == codes == [0, 1, 2] else "no longer as stated")
EOF
