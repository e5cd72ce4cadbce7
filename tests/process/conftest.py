"""These tests need TensorFlow, which must know its devices before anything else uses it."""

import support.tensorflow  # noqa: F401
