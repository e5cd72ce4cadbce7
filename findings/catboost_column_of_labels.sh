#!/usr/bin/env bash
# CatBoost returns labels of three classes as a column: compared with the truth, they give a wrong accuracy.
#
# Versions:  catboost 1.2.10, scikit-learn 1.9.1
# Guess:     predict of a classifier returns (n_rows,), as scikit-learn's do, and as CatBoost's own does for
#            two classes.
# Behaviour: With three classes it returns (n_rows, 1). (predictions == truth).mean() compares every row with
#            every other: about a third for a model that is right in more than nine of ten rows.
# Matters:   Code that was tried on two classes reports a boosting model at chance level on three, without an
#            error, and the network beside it looks good.
# Source:    https://github.com/scikit-learn/scikit-learn/issues/28935 (a voting classifier fails on it)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-catboost==1.2.10 scikit-learn==1.9.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import catboost
import numpy as np
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score

print("catboost", catboost.__version__)
rows, labels = load_iris(return_X_y=True)


def shape_and_accuracies(n_classes: int) -> tuple[tuple[int, ...], float, float]:
    """Of the predictions for their own training rows: the shape, and the accuracy by comparison and by scikit-learn."""
    some = labels < n_classes
    model = catboost.CatBoostClassifier(iterations=50, random_seed=0, verbose=False, allow_writing_files=False)
    predicted = model.fit(rows[some], labels[some]).predict(rows[some])
    return predicted.shape, float(np.mean(predicted == labels[some])), accuracy_score(labels[some], predicted)


print("guess: (n_rows,) both times")
found = {n_classes: shape_and_accuracies(n_classes) for n_classes in (2, 3)}
for n_classes, (shape, compared, accuracy) in found.items():
    print(f"seen:  {n_classes} classes: {shape}, (predicted == truth).mean() {compared:.3f}, accuracy {accuracy:.3f}")
as_stated = found[2][0] == (100,) and found[3][0] == (150, 1) and abs(found[3][1] - 1 / 3) < 0.02 and found[3][2] > 0.9
sys.exit(0 if as_stated else "no longer as stated")
EOF
