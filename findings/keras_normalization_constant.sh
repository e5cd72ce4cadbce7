#!/usr/bin/env bash
# Normalization divides a column that was constant in training by 1e-7: another value there is ten million.
#
# Versions:  Keras 3.15.1
# Guess:     A column without variance stays harmless, as in scikit-learn's StandardScaler, which divides it by 1.
# Behaviour: The layer divides by the larger of the deviation and Keras's epsilon, 1e-7. Where training had 5 in
#            each row, a 6 becomes 1e7, and the prediction of any network behind it is meaningless.
# Matters:   Flags that are rare, sensors that stood still, a split in which one category is missing: the
#            validation rows show it, or no row does until the model is in use.
# Source:    https://github.com/keras-team/keras/issues/20011 (closed)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-keras==3.15.1 jax==0.10.2 scikit-learn==1.9.1}
cd "$folder"
export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
"$folder/venv/bin/python" - <<'EOF'
import sys

import keras
import numpy as np
import sklearn
from sklearn.preprocessing import StandardScaler

print("keras", keras.__version__, "scikit-learn", sklearn.__version__)
rng = np.random.default_rng(0)
train = np.column_stack([rng.normal(size=1000), np.full(1000, 5.0)])
new = np.array([[0.0, 6.0]])

layer = keras.layers.Normalization()
layer.adapt(train)
by_keras = keras.ops.convert_to_numpy(layer(new))[0, 1]
by_sklearn = StandardScaler().fit(train).transform(new)[0, 1]

print("guess: about 1 from both")
print(f"seen:  6 in a column of fives: Keras {by_keras:g}, StandardScaler {by_sklearn:g}")
sys.exit(0 if abs(by_keras - 1e7) < 100 and by_sklearn == 1 else "no longer as stated")
EOF
