"""TensorFlow's notices at its start: none is seen, and all else is."""

import subprocess
import sys

from support.places import ROOT

CODE = """
import os
from pipeline.runtime.startup import hide_onednn_notice, import_tensorflow
import_tensorflow()
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
hide_onednn_notice()
tf.transpose(tf.ones((2, 3), tf.int64))
os.write(2, b"seen\\n")
"""


def test_notices_are_not_seen() -> None:
    ran = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stderr == "seen\n"
