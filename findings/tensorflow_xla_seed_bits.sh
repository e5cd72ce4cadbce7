#!/usr/bin/env bash
# Of an int64 seed, random numbers in a program that XLA compiles follow the lower 32 bits alone.
#
# Versions:  tensorflow 2.21.0
# Guess:     tf.random.stateless_uniform(seed=[a, b]) takes two int64 numbers, so seeds that differ in any bit give
#            other numbers, with jit_compile=True as without.
# Behaviour: Without XLA they do. With jit_compile=True on a CPU the algorithm is Threefry by default, which keeps 32
#            bits of each: [7, 3], [7 + 2**32, 3] and [7, 3 + 2**32] give the same numbers. Nothing is said.
# Matters:   Whoever packs an epoch and a step into one counter, or seeds by nanoseconds, trains with the same
#            dropout masks again and again.
# Source:    https://www.tensorflow.org/api_docs/python/tf/random/stateless_uniform speaks of a seed of shape [2] and
#            dtype int32 or int64; https://github.com/tensorflow/tensorflow/issues/117644 is about other numbers under XLA.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile ${PINS:-tensorflow==2.21.0}
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'EOF' 2>"$folder/log"
import sys

import tensorflow as tf

print("tensorflow", tf.__version__)
SEEDS = {"[7, 3]": [7, 3], "[7 + 2**32, 3]": [7 + 2**32, 3], "[7, 3 + 2**32]": [7, 3 + 2**32]}


def n_streams(compiled):
    """How many of these seeds give numbers of their own."""

    @tf.function(jit_compile=compiled)
    def draw(seed):
        return tf.random.stateless_uniform([4], seed=seed)

    return len({tuple(draw(tf.constant(seed, tf.int64)).numpy().tolist()) for seed in SEEDS.values()})


seen = {compiled: n_streams(compiled) for compiled in (False, True)}
for compiled, count in seen.items():
    print(f"jit_compile={compiled}: streams of {', '.join(SEEDS)}: guess: 3; seen: {count}")
sys.exit(0 if seen == {False: 3, True: 1} else "no longer as stated")
EOF
