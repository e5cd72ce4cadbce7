"""Tracking: the only folder that imports mlflow."""

import os

os.environ.setdefault(
    "MLFLOW_LOGGING_LEVEL", "WARNING"
)  # read when mlflow is imported; it tells of every table it makes

from pipeline.track.run import Run, start
from pipeline.track.store import config_of_run, connected, ui_command
from pipeline.track.study import studied
from pipeline.track.sweep import PARENT_VARIABLE, sweep

__all__ = ["PARENT_VARIABLE", "Run", "config_of_run", "connected", "start", "studied", "sweep", "ui_command"]
