"""TensorFlow with two virtual CPUs, which stand in for two GPUs; a network trains on the first by default."""

from pipeline.runtime.startup import import_tensorflow, preload_tensorflow

preload_tensorflow()

import tensorflow as tf  # noqa: E402

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import_tensorflow()
