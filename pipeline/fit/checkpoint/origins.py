"""What a network's bits depend on apart from its configuration: a run resumes only if all of it is unchanged."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import tensorflow as tf

from pipeline.config.code import code
from pipeline.data import Dataset
from pipeline.fit.strategy import describe_devices
from pipeline.fit.trainable_model import TrainableModel
from pipeline.runtime.digest import digest

LIBRARIES = ("tensorflow", "keras", "numpy")
SETTINGS = ("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS", "TF_DETERMINISTIC_OPS", "TF_USE_CUDNN")


def origins_of(dataset: Dataset, trainable: TrainableModel) -> dict[str, str]:
    """Returns what the numbers of a run depend on, by name.

    Args:
        dataset: Rows of the run.
        trainable: Its network.
    """
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    return {
        "data": of_data(dataset),
        "code": code(),
        "libraries": " ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "processor": _processor(),
        "devices": describe_devices(),
        "threads": str(_n_threads()),  # XLA and Eigen split sums by it
        "environment": " ".join(f"{name}={value}" for name, value in settings.items()),
        "execution": trainable.execution,
    }


def of_data(dataset: Dataset) -> str:
    """Returns a digest of the rows and their split."""
    return digest([dataset.fingerprint, {part: dataset.fingerprint_of(part) for part in dataset.n_rows}])


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Returns what differs, with both values unless they are digests; empty if nothing does.

    Args:
        before: Origins of the earlier run.
        now: Origins of this run.
    """
    found = []
    for name, value in now.items():
        was = before.get(name, "unknown")
        if was != value:
            found.append(name if name == "data" else f"{name} ({was or 'none'}, now {value or 'none'})")
    return ", ".join(found)


def _n_threads() -> int:
    asked = tf.config.threading.get_intra_op_parallelism_threads()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return asked or int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)) or usable or 1


def _processor() -> str:
    """Returns the model of the CPU if Linux reports it: XLA compiles for its instruction set."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
