"""The initial weights of layers."""

import keras


def uniform(n_inputs: int) -> keras.initializers.Initializer:
    """Returns an initializer within ±1 / sqrt(n_inputs), PyTorch's own, so that papers' learning rates apply.

    Each weight needs one of its own: an initializer of Keras draws its seed once, so that it gives every weight of a
    shape the same numbers.

    Args:
        n_inputs: Number of inputs of the layer.
    """
    return keras.initializers.RandomUniform(-(n_inputs**-0.5), n_inputs**-0.5)
