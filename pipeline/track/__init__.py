"""Tracking: the only folder that imports mlflow."""

import os

os.environ.setdefault(
    "MLFLOW_LOGGING_LEVEL", "WARNING"
)  # read when mlflow is imported; it tells of every table it makes
# Where tqdm is installed, as Optuna asks, MLflow draws bars for the few files of a model.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from pipeline.track.query import Selected, TrackedRun, curves, log_texts, select_runs
from pipeline.track.run import Run, start
from pipeline.track.store import config_of_run, connected, ui_command
from pipeline.track.sweep import PARENT_VARIABLE, sweep

__all__ = [
    "PARENT_VARIABLE",
    "Run",
    "Selected",
    "TrackedRun",
    "config_of_run",
    "connected",
    "curves",
    "log_texts",
    "select_runs",
    "start",
    "sweep",
    "ui_command",
]
