"""Tracking: the only folder that imports mlflow."""

import os

# Read when MLflow is imported: by default it reports every table that it makes, every file that it copies and, with a
# server, the address of each finished run.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from pipeline.track.children import PARENT_VARIABLE, below, parent_run_id
from pipeline.track.dead_runs import JOB_VARIABLE, fail_left_running
from pipeline.track.find_run import TRAINED
from pipeline.track.machines import claimed
from pipeline.track.moved_store import relocate
from pipeline.track.new_scores import tag_runs
from pipeline.track.parent_run import ParentRun, log_best, sweep
from pipeline.track.query import FINISHED, Selected, curves, describe, last_finished, log_texts, select_runs, sweeps
from pipeline.track.reopened_run import kept_by, reopened
from pipeline.track.run import Run, log_failure, start
from pipeline.track.spool.unfinished_runs import send_left
from pipeline.track.store import config_of_run, connected, existing, store_of, tag_of
from pipeline.track.study_results import studied
from pipeline.track.tracked_run import TrackedRun
from pipeline.track.trials import FinishedTrial, done, epochs_of, n_failed
from pipeline.track.ui_pages import local_address, page_of_experiment, page_of_run, page_of_sweep

__all__ = [
    "FINISHED",
    "JOB_VARIABLE",
    "PARENT_VARIABLE",
    "TRAINED",
    "FinishedTrial",
    "ParentRun",
    "Run",
    "Selected",
    "TrackedRun",
    "below",
    "claimed",
    "config_of_run",
    "connected",
    "curves",
    "describe",
    "done",
    "epochs_of",
    "existing",
    "fail_left_running",
    "kept_by",
    "last_finished",
    "local_address",
    "log_best",
    "log_failure",
    "log_texts",
    "n_failed",
    "page_of_experiment",
    "page_of_run",
    "page_of_sweep",
    "parent_run_id",
    "relocate",
    "reopened",
    "select_runs",
    "send_left",
    "start",
    "store_of",
    "studied",
    "sweep",
    "sweeps",
    "tag_of",
    "tag_runs",
]
