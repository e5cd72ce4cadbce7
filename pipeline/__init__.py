"""Experiments with dense networks: `run(load("experiment=california", "model.units=[64]"))`."""

from __future__ import annotations

import importlib
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

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
    from pipeline.config import Config, load
    from pipeline.export.loaded_model import LoadedModel
    from pipeline.inference.load_model import load_model
    from pipeline.sweep.tune import Tuned, tune
    from pipeline.train import Result, run

    __version__: str

__all__ = [
    "Config",
    "ConfigError",
    "DataError",
    "ExportError",
    "LoadedModel",
    "ModelError",
    "PipelineError",
    "RegistryError",
    "Result",
    "TrackingError",
    "TrainingError",
    "Tuned",
    "__version__",
    "load",
    "load_model",
    "run",
    "tune",
]

# Set before TensorFlow or Keras is imported: the pipeline trains with TensorFlow whichever Keras backend the user has
# configured, and TensorFlow's start-up notices would hide the pipeline's own lines.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Public names that are imported on first use: Hydra and pydantic take half a second, TensorFlow six.
_HOMES = {
    "Config": "pipeline.config",
    "LoadedModel": "pipeline.export.loaded_model",
    "Result": "pipeline.train",
    "Tuned": "pipeline.sweep.tune",
    "load": "pipeline.config",
    "load_model": "pipeline.inference.load_model",
    "run": "pipeline.train",
    "tune": "pipeline.sweep.tune",
}

# Modules that were commands in earlier versions: `python -m pipeline.train` would now fail or do nothing.
_FORMER = ("compare", "evaluate", "export", "predict", "promote", "register", "rerun", "serve", "study", "train", "ui")

if not TYPE_CHECKING:  # type checkers use the imports above

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version  # a tenth of a second

            return version("dense-pipeline")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _end_former_command(argv: list[str], original: list[str]) -> None:
    """Prints the new form of a command such as `python -m pipeline.train`, and exits.

    Args:
        argv: `sys.argv`, which begins with `-m` only while Python searches for the module.
        original: `sys.orig_argv`, which has that module just before the words of `argv`.
    """
    if argv[:1] != ["-m"]:
        return
    package, _, name = original[-len(argv)].removeprefix("-m").partition(".")
    if package == __name__ and name in _FORMER:
        sys.exit(f"python -m pipeline.{name} is now: {shlex.join(['python', '-m', 'pipeline', name, *argv[1:]])}")


_end_former_command(sys.argv, sys.orig_argv)
