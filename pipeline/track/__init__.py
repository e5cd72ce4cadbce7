"""Tracking: the only folder that imports mlflow."""

import os

os.environ.setdefault(
    "MLFLOW_LOGGING_LEVEL", "WARNING"
)  # read when mlflow is imported; it tells of every table it makes

# Where tqdm is installed, as Optuna asks, MLflow draws bars for the few files of a model.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from pipeline.track.children import PARENT_VARIABLE, Done, done, epochs_of, n_failed, parent_run_id
from pipeline.track.run import Run, log_failure, start
from pipeline.track.store import config_of_run, connected, ui_command
from pipeline.track.sweep import Sweep, outcome, sweep

__all__ = [
    "PARENT_VARIABLE",
    "Done",
    "Run",
    "Sweep",
    "config_of_run",
    "connected",
    "done",
    "epochs_of",
    "log_failure",
    "n_failed",
    "outcome",
    "parent_run_id",
    "start",
    "sweep",
    "ui_command",
]
