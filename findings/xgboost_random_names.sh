#!/usr/bin/env bash
# A column of categories that says nothing makes XGBoost about as bad as predicting the mean.
#
# Versions:  xgboost 3.2.0, pandas 3.1.1
# Guess:     A column of names drawn at random costs a little, as it does with LightGBM: early stopping on
#            validation rows holds what it can do at bay.
# Behaviour: A split by categories sorts them by the target in the rows of the node, and then looks for the
#            best place to cut. With about one row per name that order is the target itself, so that these
#            splits win over the true ones. RMSE on test rows goes from 1.25 to 3.0, where predicting the
#            mean has 3.2. max_cat_to_onehot above the number of categories brings it back.
# Matters:   Tables are full of such columns (names, models, streets, codes), and enable_categorical=True is
#            the usual way in. On auto_mpg the names of the cars raise the RMSE from 2.9 to 7.5.
# Source:    https://github.com/dmlc/xgboost/issues/12130 and .../pull/12587, merged in September 2026: one-hot
#            becomes the default.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-xgboost==3.2.0 pandas==3.1.1 scikit-learn==1.9.1}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys

import numpy as np
import pandas as pd
import xgboost

print("xgboost", xgboost.__version__)
rng = np.random.default_rng(0)
n = 400
x = rng.normal(size=(n, 4))
y = 3 * x[:, 0] + 2 * np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + rng.normal(0, 0.5, n)
names = [f"name {number}" for number in range(300)]
alone = pd.DataFrame(x, columns=list("abcd"))
named = alone.assign(name=pd.Series(rng.choice(names, n)).astype(pd.CategoricalDtype(names)))
train, val, test = slice(0, 260), slice(260, 320), slice(320, 400)


def rmse(table, **more):
    model = xgboost.XGBRegressor(
        n_estimators=2000, early_stopping_rounds=50, enable_categorical=True, random_state=0, n_jobs=1, **more
    )
    model.fit(table[train], y[train], eval_set=[(table[val], y[val])], verbose=False)
    return float(np.sqrt(np.mean((model.predict(table[test]) - y[test]) ** 2)))


without, with_names, one_hot = rmse(alone), rmse(named), rmse(named, max_cat_to_onehot=1000)
mean = float(y[test].std())
print(f"test RMSE without the names: {without:.2f}; of the mean: {mean:.2f}")
print(f"guess: with the names below {1.3 * without:.2f}; seen: {with_names:.2f}")
print(f"remedy: max_cat_to_onehot=1000: {one_hot:.2f}")
as_stated = with_names > 0.85 * mean and one_hot < 1.3 * without < 0.6 * mean
sys.exit(0 if as_stated else "no longer as stated")
EOF
