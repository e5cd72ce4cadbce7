"""Tracking: the only folder that imports mlflow."""

import os

# Read when MLflow is imported: by itself it tells of every table it makes and every small file it copies.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from pipeline.track.children import PARENT_VARIABLE, Done, done, epochs_of, n_failed, parent_run_id
from pipeline.track.left_running import JOB_VARIABLE, fail_left_running
from pipeline.track.machines import claimed
from pipeline.track.parent_run import Sweep, outcome, sweep
from pipeline.track.query import Selected, TrackedRun, curves, log_texts, select_runs, sweeps
from pipeline.track.run import Run, log_failure, start
from pipeline.track.store import config_of_run, connected, existing, store_of, ui_command
from pipeline.track.study_results import studied

__all__ = [
    "JOB_VARIABLE",
    "PARENT_VARIABLE",
    "Done",
    "Run",
    "Selected",
    "Sweep",
    "TrackedRun",
    "claimed",
    "config_of_run",
    "connected",
    "curves",
    "done",
    "epochs_of",
    "existing",
    "fail_left_running",
    "log_failure",
    "log_texts",
    "n_failed",
    "outcome",
    "parent_run_id",
    "select_runs",
    "start",
    "store_of",
    "studied",
    "sweep",
    "sweeps",
    "ui_command",
]
