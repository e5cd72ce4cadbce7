"""Imports TensorFlow fast, and without the notices that it prints before its log level applies."""

import contextlib
import functools
import gc
import logging
import re
import sys
from collections.abc import Iterator

from pipeline.runtime import stderr

log = logging.getLogger(__name__)

NOTICES = re.compile(
    rb"^(WARNING: All log messages before absl"
    rb"|I0000 "
    rb"|To enable the following instructions"
    rb"|E0000 .*failed call to cuInit"  # without a GPU; fit/strategy.py warns if there is a driver
    rb"|E0000 .*oneDNN supports DT_\w+ only on platforms with AVX-512)"  # other kernels do the same work
)
# Allocations between collections. Python's own, 700, 10 and 10, took a fifth of the main thread's time in a sweep,
# whose networks are thousands of objects each.
COLLECTED_AFTER = (20_000, 10, 3)


def tell_of_tensorflow() -> None:
    """Logs that TensorFlow is being loaded, which takes seconds, unless it is already imported."""
    if "tensorflow" not in sys.modules:
        log.info("loading TensorFlow, which takes some seconds")


def import_tensorflow() -> None:
    """Imports TensorFlow and lists its devices; only its start-up notices are suppressed."""
    if "tensorflow" in sys.modules:
        return
    preload_tensorflow()
    import tensorflow as tf

    with _without_notices():
        tf.config.list_physical_devices()
    gc.freeze()


def preload_tensorflow() -> None:
    """Imports TensorFlow without listing devices: after that a process cannot be forked."""
    with _without_notices(), importing():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # it warns of retracing, which every job of a sweep needs
    gc.set_threshold(*COLLECTED_AFTER)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Makes imports a sixth faster: the collector would scan their permanent objects again and again.

    It does not scan them at exit either, which takes a second. Where the block imports nothing new, as in all but the
    first run of a process, objects are not made permanent: garbage of earlier runs would be as well.
    """
    collects, n_modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > n_modules:
            gc.freeze()
        if collects:
            gc.enable()


def use_threads(number: int) -> None:
    """Limits the threads of TensorFlow and XLA; call it before TensorFlow computes anything."""
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
