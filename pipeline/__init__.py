"""Experiments with dense networks: `run(load("experiment=california", "model.units=[64]"))`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

# Before anything imports TensorFlow or Keras: the pipeline trains with TensorFlow whatever the user's other work
# uses, and TensorFlow's start-up notices drown our own lines.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

FORMER = {"compare", "evaluate", "export", "predict", "promote", "register", "rerun", "serve", "study", "train", "ui"}


def _end_former_command() -> None:
    """Names the new form to whoever types `python -m pipeline.train`, which would find a module that does nothing.

    While Python looks for the module that `-m` names, and only then, the program's name is "-m".
    """
    typed = {f"pipeline.{name}": name for name in FORMER}
    former = next((typed[word] for word in sys.orig_argv if word in typed), None)
    if sys.argv[:1] == ["-m"] and former is not None:
        sys.exit(f"python -m pipeline.{former} is now: python -m pipeline {former}")


_end_former_command()

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

__version__ = version("dense-pipeline")

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
    """Runs one experiment; see `pipeline.train.run`. Imported late, with all that a stage of it needs."""
    from pipeline import train

    return train.run(config)
