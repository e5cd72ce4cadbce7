"""The devices that a network trains on. The only file that uses tf.distribute."""

import contextlib
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager

import keras
import tensorflow as tf

from pipeline.config import IN_CHECKOUT
from pipeline.config.rules import Fit
from pipeline.errors import ConfigError
from pipeline.fit.member_losses import ByMember

log = logging.getLogger(__name__)

MAX_VIRTUAL_CPUS = 64

# A second MirroredStrategy object in one process aborts its collective operations as soon as two networks of
# different width are trained one after the other, as every sweep does.
_mirrored: dict[tuple[str, ...], tf.distribute.MirroredStrategy] = {}


def scope(config: Fit) -> AbstractContextManager[object]:
    """Returns the scope in which to build and compile: mirrored over several devices, or empty for a single device.

    Raises:
        ConfigError: A device does not exist, or there are fewer than two for `fit.strategy=mirrored`.
    """
    _warn_of_unused_gpu()
    devices = tuple(_named(config.devices) if config.devices else _gpus())
    if config.strategy == "none" or (config.strategy == "auto" and config.devices is None and len(devices) < 2):
        return contextlib.nullcontext()
    if len(devices) < 2:
        key = "fit.devices: a list is for training on several devices, and" if config.devices else "fit.strategy:"
        remedy = "fit.devices=null fit.strategy=auto" if config.devices else "fit.strategy=auto"
        raise ConfigError(
            f"{key} mirrored needs two devices or more, got {', '.join(devices) or 'no GPU'}; use {remedy}, or try it "
            "without GPUs with fit.devices=[CPU:0,CPU:1]; the environment's CUDA_VISIBLE_DEVICES chooses a single GPU"
        )
    if devices not in _mirrored:
        _mirrored[devices] = tf.distribute.MirroredStrategy([f"/{device}" for device in devices])
    log.info("strategy mirrored over %s", ", ".join(devices))
    return _mirrored[devices].scope()


def describe_devices() -> str:
    """Returns the names of the GPUs, or `CPU`."""
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return ", ".join(detail.get("device_name", "GPU") for detail in details) or "CPU"


class Replicated(ByMember):
    """A model under a strategy that builds its metrics from one replica's part of the first batch.

    Keras averages that batch over the replicas to learn its shape. This fails if the parts differ in size, as they do
    for every odd batch size and every small validation set (Keras 3.15, `_maybe_symbolic_build`).
    """

    def _maybe_symbolic_build(self, iterator: object = None, data_batch: object = None) -> None:
        if iterator is not None:
            _, _, batches = next(iter(iterator))  # type: ignore[call-overload]
            data_batch = tf.nest.map_structure(_first_part, next(batches))
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=data_batch)


def clip_over_replicas(optimizer: keras.optimizers.Optimizer) -> None:
    """Has an optimizer clip the sum of the replicas' gradients: Keras clips each replica's share of it.

    Args:
        optimizer: Of a model; without a strategy of several devices it stays as it is.
    """
    clip = optimizer._clip_gradients

    def clip_sum(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, [tf.convert_to_tensor(part) for part in gradients])
        return [part / context.num_replicas_in_sync for part in clip(total)]  # the optimizer adds them up

    if optimizer.global_clipnorm and tf.distribute.get_strategy().num_replicas_in_sync > 1:
        optimizer._clip_gradients = clip_sum


def _first_part(value: object) -> object:
    return value.values[0] if isinstance(value, tf.distribute.DistributedValues) else value


def _gpus() -> Iterator[str]:
    for gpu in tf.config.list_logical_devices("GPU"):
        yield gpu.name.removeprefix("/device:")


def _named(devices: list[str]) -> list[str]:
    """Returns the given devices after checking that they exist."""
    cpus = [int(match[1]) for device in devices if (match := re.fullmatch(r"CPU:(\d+)", device))]
    _make_virtual_cpus(max(cpus, default=0) + 1)
    known = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
    unknown = [device for device in devices if device not in known]
    if unknown or len(set(devices)) < len(devices):
        wrong = f"unknown device {', '.join(unknown)}" if unknown else "a device is named twice"
        raise ConfigError(f"fit.devices: {wrong}; TensorFlow sees {', '.join(known)}")
    return devices


def _make_virtual_cpus(n: int) -> None:
    """Creates CPU:1 and above unless TensorFlow has started; `_named` reports those that are missing."""
    if not 1 < n <= MAX_VIRTUAL_CPUS:
        return
    cpu = tf.config.list_physical_devices("CPU")[0]
    with contextlib.suppress(RuntimeError):
        if tf.config.get_logical_device_configuration(cpu) is None:
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(n)])


def _warn_of_unused_gpu() -> None:
    if tf.config.list_physical_devices("GPU"):
        return
    with contextlib.suppress(FileNotFoundError):
        with open("/proc/driver/nvidia/version") as driver:  # noqa: PTH123
            version = driver.readline().strip()
        log.warning(
            "this machine has an NVIDIA driver (%s), but TensorFlow cannot use a GPU: training runs on the CPU. "
            "Remedy: %s",
            version,
            "make setup GPU=1" if IN_CHECKOUT else "pip install 'dense-pipeline[gpu]'",
        )
