"""Random bits for many generators at once, identical to XLA's for each of them (Salmon et al. 2011)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # of Threefry-2x32
PARITY = 0x1BD11BDA  # of its key schedule


def bits(keys: tuple[Any, Any], n: int) -> Any:
    """Returns what `tf.random.stateless_uniform` of `n` uint32 numbers returns under XLA with `alg="threefry"`.

    Args:
        keys: Both numbers of each generator's seed, `(n_generators,)` uint32, or one seed for all.
        n: Numbers to draw from each generator.

    Returns:
        `(n_generators, n)` uint32.
    """
    half = (n + 1) // 2
    counter = tf.range(half, dtype=tf.int32)
    first, second = (tf.reshape(key, [-1, 1]) for key in keys)
    schedule = (first, second, first ^ second ^ tf.constant(PARITY, tf.uint32))
    x0, x1 = tf.cast(counter, tf.uint32)[tf.newaxis] + schedule[0], tf.zeros([1, half], tf.uint32) + schedule[1]
    for block in range(5):
        for rotation in ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = _rotated(x1, rotation) ^ x0
        x0 = x0 + schedule[(block + 1) % 3]
        x1 = x1 + schedule[(block + 2) % 3] + tf.constant(block + 1, tf.uint32)
    return tf.reshape(tf.stack([x0, x1], axis=2), [-1, 2 * half])[:, :n]


def _rotated(x: Any, places: int) -> Any:
    left, right = tf.constant(places, tf.uint32), tf.constant(32 - places, tf.uint32)
    return tf.bitwise.bitwise_or(tf.bitwise.left_shift(x, left), tf.bitwise.right_shift(x, right))
