#!/usr/bin/env bash
# A NaN in the first epoch is EarlyStopping's and ModelCheckpoint's best value for ever.
#
# Versions:  keras 3.15.1, jax 0.10.2
# Guess:     NaN is no improvement, so the first real number takes its place.
# Behaviour: The first value is taken whatever it is, and no number is smaller or larger than NaN: training
#            that then goes well is stopped after `patience` epochs, the weights of the NaN epoch are
#            brought back, and the checkpoint is never written again.
# Matters:   Scores that are undefined for a while are common: an F-score without predicted positives, a ROC
#            AUC of a fold with one class, a loss that overflows before the warm-up is over.
# Source:    https://keras.io/api/callbacks/early_stopping/ (says nothing of NaN)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-keras==3.15.1 jax==0.10.2}
cd "$folder"
export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
"$folder/venv/bin/python" - <<'EOF'
import os
import sys

import keras
import numpy as np

print("keras", keras.__version__)
SCORES = [float("nan"), 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01]


class Score(keras.callbacks.Callback):
    """A validation score that is undefined once, then gets better every epoch."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_score"] = SCORES[epoch]


model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd")
stop = keras.callbacks.EarlyStopping("val_score", mode="min", patience=3, restore_best_weights=True)
keep = keras.callbacks.ModelCheckpoint(
    "{epoch}.weights.h5", "val_score", mode="min", save_best_only=True, save_weights_only=True
)
history = model.fit(np.ones((8, 1)), np.ones((8, 1)), epochs=8, verbose=0, callbacks=[Score(), stop, keep])
epochs, files = len(history.epoch), sorted(name for name in os.listdir() if name.endswith(".weights.h5"))

print("scores:", SCORES)
print("guess: 8 epochs, best 0.01, files 2 to 8")
print(f"seen:  {epochs} epochs, best {stop.best} of epoch {stop.best_epoch + 1}, files {files}")
as_stated = epochs == 4 and np.isnan(stop.best) and stop.best_epoch == 0 and files == ["1.weights.h5"]
sys.exit(0 if as_stated else "no longer as stated")
EOF
