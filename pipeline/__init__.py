"""Experiments with dense networks: `run(load("experiment=california", "model.units=[64]"))`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Before anything imports TensorFlow or Keras: the pipeline trains with TensorFlow whatever the user's other work
# uses, and TensorFlow's start-up notices drown our own lines.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pipeline.config import Config, load
from pipeline.errors import (
    ConfigError,
    DataError,
    ExportError,
    ModelError,
    PipelineError,
    RegistryError,
    TrackingError,
    TrainingError,
)

if TYPE_CHECKING:
    from pipeline.train import Result

__all__ = [
    "Config",
    "ConfigError",
    "DataError",
    "ExportError",
    "ModelError",
    "PipelineError",
    "RegistryError",
    "TrackingError",
    "TrainingError",
    "load",
    "run",
]


def run(config: Config) -> Result:
    """Runs one experiment; see `pipeline.train.run`. Imported late: the command line starts in this package too."""
    from pipeline import train

    return train.run(config)
