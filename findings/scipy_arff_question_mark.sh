#!/usr/bin/env bash
# loadarff reads a missing nominal value as a category of its own, b'?', which the file does not declare.
#
# Versions:  scipy 1.17.1, pandas 3.1.1
# Guess:     ? is ARFF's mark for a missing value in every column, and the page of loadarff says that it is
#            read as NaN.
# Behaviour: That holds for numeric columns. In a nominal column the value is b'?': isna finds nothing,
#            although the column's declared values do not include it.
# Matters:   ARFF is the format of many published tables. Gaps in category columns escape every count and
#            rule for gaps and are one-hot encoded as one more level, while gaps in the numbers beside them
#            are imputed.
# Source:    https://docs.scipy.org/doc/scipy/reference/generated/scipy.io.arff.loadarff.html (says NaN for
#            missing data without a restriction)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-scipy==1.17.1 pandas==3.1.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import io
import sys

import pandas as pd
import scipy
from scipy.io import arff

print("scipy", scipy.__version__, "pandas", pd.__version__)
text = """@relation flats
@attribute heating {gas, oil}
@attribute rooms numeric
@data
gas, 3
?, ?
oil, 2
"""
rows, meta = arff.loadarff(io.StringIO(text))
frame = pd.DataFrame(rows)

print("declared:", meta["heating"])
print("guess: one gap in either column")
print("seen: ", frame["heating"].tolist(), frame["rooms"].tolist(), " gaps", frame.isna().sum().to_dict())
gaps = frame.isna().sum().to_dict()
as_stated = frame["heating"].tolist() == [b"gas", b"?", b"oil"] and gaps == {"heating": 0, "rooms": 1}
sys.exit(0 if as_stated else "no longer as stated")
EOF
