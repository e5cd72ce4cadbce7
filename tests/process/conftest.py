"""These tests need TensorFlow, which must know its devices before anything else uses it."""

import signal

import support.tensorflow  # noqa: F401

# A shell has what it starts in the background ignore Ctrl-C, and so would all processes that these tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
