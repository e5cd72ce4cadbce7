"""Tracking: the only folder that imports mlflow, for a training in a process beside it."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Read when MLflow is imported: by default it reports every table that it makes, every file that it copies and, with a
# server, the address of each finished run.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # an error after 1 s, not 4 min
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")  # seconds

if TYPE_CHECKING:
    from pipeline.track.address import store_uri
    from pipeline.track.dead_runs import fail_left_running
    from pipeline.track.inherited import JOB_VARIABLE, PARENT_VARIABLE, below, parent_run_id
    from pipeline.track.logged_content import config_of_run, tag_of
    from pipeline.track.machines import claimed
    from pipeline.track.moved_store import relocate
    from pipeline.track.new_scores import tag_runs
    from pipeline.track.parent_run import ParentRun, log_best, sweep
    from pipeline.track.query import FINISHED, Selected, curves, describe, last_finished, log_texts, select_runs, sweeps
    from pipeline.track.reopened_run import kept_by, reopened
    from pipeline.track.run import Run
    from pipeline.track.spool.folders import TRAINED
    from pipeline.track.spool.unfinished_runs import send_left
    from pipeline.track.start_run import log_failure, start
    from pipeline.track.store import connected, existing, store_of
    from pipeline.track.study_results import studied
    from pipeline.track.tracked_run import TrackedRun
    from pipeline.track.trials import FinishedTrial, done, epochs_of, n_failed
    from pipeline.track.ui_pages import local_address, page_of_experiment, page_of_run, page_of_sweep
    from pipeline.track.worker.client import connect_in_advance, expect, expect_module, local_page

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
    "connect_in_advance",
    "connected",
    "curves",
    "describe",
    "done",
    "epochs_of",
    "existing",
    "expect",
    "expect_module",
    "fail_left_running",
    "kept_by",
    "last_finished",
    "local_address",
    "local_page",
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
    "store_uri",
    "studied",
    "sweep",
    "sweeps",
    "tag_of",
    "tag_runs",
]

# Imported on first use: most of them import MLflow, which takes seconds.
_HOMES = {
    "FINISHED": "pipeline.track.query",
    "JOB_VARIABLE": "pipeline.track.inherited",
    "PARENT_VARIABLE": "pipeline.track.inherited",
    "TRAINED": "pipeline.track.spool.folders",
    "FinishedTrial": "pipeline.track.trials",
    "ParentRun": "pipeline.track.parent_run",
    "Run": "pipeline.track.run",
    "Selected": "pipeline.track.query",
    "TrackedRun": "pipeline.track.tracked_run",
    "below": "pipeline.track.inherited",
    "claimed": "pipeline.track.machines",
    "config_of_run": "pipeline.track.logged_content",
    "connect_in_advance": "pipeline.track.worker.client",
    "connected": "pipeline.track.store",
    "curves": "pipeline.track.query",
    "describe": "pipeline.track.query",
    "done": "pipeline.track.trials",
    "epochs_of": "pipeline.track.trials",
    "existing": "pipeline.track.store",
    "expect": "pipeline.track.worker.client",
    "expect_module": "pipeline.track.worker.client",
    "fail_left_running": "pipeline.track.dead_runs",
    "kept_by": "pipeline.track.reopened_run",
    "last_finished": "pipeline.track.query",
    "local_address": "pipeline.track.ui_pages",
    "local_page": "pipeline.track.worker.client",
    "log_best": "pipeline.track.parent_run",
    "log_failure": "pipeline.track.start_run",
    "log_texts": "pipeline.track.query",
    "n_failed": "pipeline.track.trials",
    "page_of_experiment": "pipeline.track.ui_pages",
    "page_of_run": "pipeline.track.ui_pages",
    "page_of_sweep": "pipeline.track.ui_pages",
    "parent_run_id": "pipeline.track.inherited",
    "relocate": "pipeline.track.moved_store",
    "reopened": "pipeline.track.reopened_run",
    "select_runs": "pipeline.track.query",
    "send_left": "pipeline.track.spool.unfinished_runs",
    "start": "pipeline.track.start_run",
    "store_of": "pipeline.track.store",
    "store_uri": "pipeline.track.address",
    "studied": "pipeline.track.study_results",
    "sweep": "pipeline.track.parent_run",
    "sweeps": "pipeline.track.query",
    "tag_of": "pipeline.track.logged_content",
    "tag_runs": "pipeline.track.new_scores",
}

if not TYPE_CHECKING:  # for whom the names above are all there are

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)
