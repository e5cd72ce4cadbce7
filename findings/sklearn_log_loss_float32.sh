#!/usr/bin/env bash
# log_loss of the same predictions is smaller in float32: what it costs to be wrong depends on the type.
#
# Versions:  scikit-learn 1.9.1, NumPy 2.4.6
# Guess:     Probabilities in float32, as networks return them, have the log loss of their float64 copy up to
#            rounding.
# Behaviour: Probabilities are clipped at the machine epsilon of their own type: a confident error costs at
#            most 15.9 in float32 and 36.0 in float64. With one such row in a thousand a model's loss is 0.017
#            or 0.037, and it is better or worse than a careful one with 0.020.
# Matters:   A comparison of libraries favours those that return float32 (networks, XGBoost) over those that
#            return float64 (scikit-learn, LightGBM, CatBoost).
# Source:    https://github.com/scikit-learn/scikit-learn/pull/24354 (the change; what follows from it for
#            comparisons is not said)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-scikit-learn==1.9.1 numpy==2.4.6}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import sklearn
from sklearn.metrics import log_loss

print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
truth = np.zeros(1000, int)
truth[:500] = 1


def probabilities(of_the_true: np.ndarray) -> np.ndarray:
    """Columns of both classes."""
    first = np.where(truth == 0, of_the_true, 1 - of_the_true)
    return np.column_stack([first, 1 - first])


bold = np.full(1000, 0.999)
bold[-1] = 1e-30  # one confident error
careful = np.full(1000, 0.98)
losses = {
    kind: [log_loss(truth, probabilities(some).astype(kind)) for some in (bold, careful)]
    for kind in (np.float32, np.float64)
}

print("guess: the same losses for both types, and the same order")
for kind, (of_bold, of_careful) in losses.items():
    print(f"seen:  {kind.__name__}: one confident error {of_bold:.4f}, careful {of_careful:.4f}")
(bold_32, careful_32), (bold_64, careful_64) = losses[np.float32], losses[np.float64]
as_stated = bold_32 < careful_32 and bold_64 > careful_64 and 2 < bold_64 / bold_32 < 2.4
sys.exit(0 if as_stated else "no longer as stated")
EOF
