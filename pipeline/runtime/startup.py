"""Importing TensorFlow as fast as can be, and without the notices that it prints before its log level counts."""

import contextlib
import functools
import gc
import logging
import re
import sys

from pipeline.runtime import stderr

log = logging.getLogger(__name__)

NOTICES = re.compile(
    rb"^(WARNING: All log messages before absl"
    rb"|I0000 "
    rb"|To enable the following instructions"
    rb"|E0000 .*failed call to cuInit"  # a machine without a GPU; fit/strategy.py warns where there is a driver
    rb"|E0000 .*oneDNN supports DT_\w+ only on platforms with AVX-512)"  # other kernels do the same work
)


def tell_of_tensorflow() -> None:
    """Says in the log that the import comes, unless TensorFlow is there: nothing is seen for some seconds."""
    if "tensorflow" not in sys.modules:
        log.info("loading TensorFlow, which takes some seconds")


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


@functools.cache
def hide_onednn_notice() -> None:
    """Runs the first operation on integers, of which oneDNN says once that other kernels do it, as if it had failed.

    It initializes TensorFlow's devices, so devices and threads have to be configured before.
    """
    import tensorflow as tf

    with _without_notices():
        tf.transpose(tf.zeros((1, 1), tf.int64))


def _without_notices() -> contextlib.AbstractContextManager[None]:
    return stderr.only_lines(lambda line: not NOTICES.match(line))
