"""Tracking: the only folder that imports mlflow."""

import os

# Read when MLflow is imported: by itself it tells of every table it makes and every small file it copies.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from pipeline.track.run import Run, start
from pipeline.track.store import config_of_run, connected, ui_command
from pipeline.track.study import studied
from pipeline.track.sweep import PARENT_VARIABLE, sweep

__all__ = ["PARENT_VARIABLE", "Run", "config_of_run", "connected", "start", "studied", "sweep", "ui_command"]
