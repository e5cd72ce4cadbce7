"""Tracking: the only folder that imports mlflow."""

import os

os.environ.setdefault(
    "MLFLOW_LOGGING_LEVEL", "WARNING"
)  # read when mlflow is imported; it tells of every table it makes
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # of files that are on this machine mostly

from pipeline.track.left import JOB_VARIABLE, fail_left_running
from pipeline.track.run import Run, start
from pipeline.track.store import config_of_run, connected, store_of, ui_command
from pipeline.track.sweep import PARENT_VARIABLE, sweep

__all__ = [
    "JOB_VARIABLE",
    "PARENT_VARIABLE",
    "Run",
    "config_of_run",
    "connected",
    "fail_left_running",
    "start",
    "store_of",
    "sweep",
    "ui_command",
]
