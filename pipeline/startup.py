"""Importing TensorFlow as fast as can be, and without the notices that it prints before its log level counts."""

import gc
import os
import re
import sys
import tempfile

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
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        gc.disable()  # a quarter of a million objects that will stay are looked through again and again
        try:
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")  # it warns of retracing, which every job of a sweep does by nature
            tf.config.list_physical_devices()
        finally:
            gc.enable()
            gc.freeze()  # nor at the end of the process, where that takes a second
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            os.write(2, b"".join(line for line in said if not NOTICES.match(line)))
