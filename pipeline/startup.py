"""Importing TensorFlow as fast as can be, and without the notices that it prints before its log level counts."""

import contextlib
import gc
import os
import re
import sys
import tempfile
from collections.abc import Iterator

NOTICES = re.compile(
    rb"^(WARNING: All log messages before absl"
    rb"|I0000 "
    rb"|To enable the following instructions"
    rb"|E0000 .*failed call to cuInit)"  # a machine without a GPU; fit/strategy.py warns where there is a driver
)


def import_tensorflow() -> None:
    """Imports TensorFlow and lets it look for devices; what else it writes to standard error is passed on."""
    if "tensorflow" in sys.modules:
        return
    preload_tensorflow()
    import tensorflow as tf

    with _without_notices():
        tf.config.list_physical_devices()
    gc.freeze()


def preload_tensorflow() -> None:
    """Imports TensorFlow and nothing more: a process that has looked for devices cannot be forked any more."""
    with _without_notices():
        gc.disable()  # a quarter of a million objects that will stay are looked through again and again
        try:
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")  # it warns of retracing, which every job of a sweep does by nature
        finally:
            gc.enable()
            gc.freeze()  # nor at the end of the process, where that takes a second


def use_threads(number: int) -> None:
    """Gives TensorFlow, and XLA with it, this many threads for a step; to be called before TensorFlow does anything."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(number)
    tf.config.threading.set_inter_op_parallelism_threads(number)


@contextlib.contextmanager
def _without_notices() -> Iterator[None]:
    """Keeps back what is written to standard error, also by C++, and then passes on what is no notice."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            os.write(2, b"".join(line for line in said if not NOTICES.match(line)))
