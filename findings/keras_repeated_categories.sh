#!/usr/bin/env bash
# A category that many rows of a batch share takes a longer step with Adam, on the TensorFlow backend.
#
# Versions:  Keras 3.15.1, TensorFlow 2.21.0, JAX 0.10.2
# Guess:     Adam's first step moves each weight by the learning rate, whatever the gradient, also in an Embedding.
# Behaviour: With TensorFlow the gradient of an Embedding is the list of its rows' gradients. Keras squares each of
#            them, and adds the squares of those that belong to one vector, instead of squaring their sum: a category
#            that 16 rows of the batch share moves by 4 = sqrt(16) learning rates. RMSprop and Adagrad do likewise, and
#            the norm that clipping looks at is too small. With JAX the same model moves by one learning rate.
# Matters:   Frequent categories learn faster than the optimizer's rule says, and the more so the larger the batch; a
#            learning rate found on one backend is another one on the other.
# Source:    seen; related: https://github.com/keras-team/keras/issues/19992 (how optimizers treat such gradients)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-keras==3.15.1 tensorflow==2.21.0 jax==0.10.2}
cd "$folder"
cat >steps.py <<'EOF'
import keras
import numpy as np

RATE = 0.01
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(RATE),
    "rmsprop": lambda: keras.optimizers.RMSprop(RATE, rho=0.0),
    "adagrad": lambda: keras.optimizers.Adagrad(RATE, initial_accumulator_value=0.0),
    "clipped": lambda: keras.optimizers.SGD(RATE, clipnorm=1.0),
}


def step(name: str) -> float:
    """Of the vector of one category, which all 16 rows of a batch have, in learning rates."""
    inputs = keras.Input((1,), dtype="int32")
    vectors = keras.layers.Embedding(3, 1, embeddings_initializer="zeros")(inputs)
    model = keras.Model(inputs, keras.layers.Flatten()(vectors))
    model.compile(OPTIMIZERS[name](), "mse", jit_compile=False)
    model.train_on_batch(np.zeros((16, 1), "int32"), np.full((16, 1), 5.0, "float32"))
    return float(np.abs(model.get_weights()[0]).max()) / RATE


print(keras.backend.backend(), *(f"{name} {step(name):.2f}" for name in OPTIMIZERS))
EOF
export TF_CPP_MIN_LOG_LEVEL=3 JAX_PLATFORMS=cpu CUDA_VISIBLE_DEVICES=
echo "guess: 1.00 everywhere"
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend "$folder/venv/bin/python" steps.py 2>/dev/null | sed 's/^/seen:  /' | tee -a seen
done
diff seen - <<'EOF' || { echo "no longer as stated"; exit 1; }
seen:  jax adam 1.00 rmsprop 1.00 adagrad 1.00 clipped 1.00
seen:  tensorflow adam 4.00 rmsprop 4.00 adagrad 4.00 clipped 4.00
EOF
