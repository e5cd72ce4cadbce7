#!/usr/bin/env bash
# LightGBM predicts a DataFrame by the places of its columns, whatever they are called.
#
# Versions:  LightGBM 4.7.0, XGBoost 3.2.0, CatBoost 1.2.10, pandas 3.1.1
# Guess:     Columns in another order are found by their names, or are an error.
# Behaviour: CatBoost finds them by name, XGBoost raises an error; LightGBM, which knows the names
#            (feature_name_), takes the first column for the first. Here the RMSE goes from 1.4 to 23.
# Matters:   A file whose columns a query or a join put in another order is scored without a word; the model
#            beside it that was compared on the same frame is right.
# Source:    https://github.com/lightgbm-org/LightGBM/issues/6682 (open wish; validate_features=True checks)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-lightgbm==4.7.0 xgboost==3.2.0 catboost==1.2.10 pandas==3.1.1 scikit-learn==1.9.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost

print("lightgbm", lightgbm.__version__, "xgboost", xgboost.__version__, "catboost", catboost.__version__)
rng = np.random.default_rng(0)
x = pd.DataFrame({"a": rng.normal(size=500), "b": 100 * rng.normal(size=500)})
y = 10 * x["a"] + x["b"] / 100
models = {
    "LightGBM": lightgbm.LGBMRegressor(verbose=-1),
    "XGBoost": xgboost.XGBRegressor(),
    "CatBoost": catboost.CatBoostRegressor(iterations=50, verbose=False, allow_writing_files=False),
}


def rmse_or_error(model: object, rows: pd.DataFrame) -> str:
    """Of the training rows."""
    try:
        return f"RMSE {np.sqrt(np.mean((model.predict(rows) - y) ** 2)):.2f}"
    except ValueError as error:
        return f"ValueError: {str(error).splitlines()[0]}"


print("guess: the same RMSE, or an error")
found = {}
for name, model in models.items():
    model.fit(x, y)
    found[name] = rmse_or_error(model, x), rmse_or_error(model, x[["b", "a"]])
    print(f"seen:  {name}: {found[name][0]}; columns in another order: {found[name][1]}")
of_lightgbm = [float(text.split()[-1]) for text in found["LightGBM"]]
as_stated = (
    of_lightgbm[1] > 10 * of_lightgbm[0]
    and found["XGBoost"][1].startswith("ValueError: feature_names mismatch")
    and found["CatBoost"][0] == found["CatBoost"][1]
)
sys.exit(0 if as_stated else "no longer as stated")
EOF
