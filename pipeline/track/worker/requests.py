"""The requests that the worker answers."""

from __future__ import annotations

import contextlib
import importlib
import pickle
import shutil
import threading
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.tracking.context.registry import resolve_tags

from pipeline.runtime.startup import importing
from pipeline.track.address import sqlite_path
from pipeline.track.dead_runs import close_dead
from pipeline.track.environment import environment
from pipeline.track.invented_name import invented_name
from pipeline.track.mlflow_model import write_model
from pipeline.track.resumed_run import is_there
from pipeline.track.spool.journal import digest
from pipeline.track.store import STORE_ERRORS, connected_to
from pipeline.track.ui_pages import local_address, page_of_run

_connecting = threading.Lock()  # connecting sets variables of the whole process
_drawing = threading.Lock()  # Matplotlib is not thread-safe


class Requests:
    """Each method is a request, with arguments and a result that JSON can represent."""

    def expect_module(self, named: str) -> None:
        """Imports a module that a later request uses; its errors are left to that."""
        with contextlib.suppress(Exception), importing():
            importlib.import_module(named)

    def expect_store(self, named: str) -> None:
        """Collects tags and opens an existing SQLite store in advance: the first time takes longest.

        Errors of the store are left to `connect`.
        """
        environment()
        resolve_tags()
        path = sqlite_path(named)
        if path is not None and path.exists() and path.stat().st_size:
            with contextlib.suppress(*STORE_ERRORS):
                MlflowClient(named).search_experiments(max_results=1)

    def connect(self, uri: str) -> None:
        """Creates the store if it does not exist.

        Raises:
            TrackingError: The store cannot be used.
        """
        with _connecting, connected_to(uri):
            pass

    def context_tags(self) -> dict[str, str]:
        """Returns the tags that MLflow gives every run."""
        tags: dict[str, str] = resolve_tags()
        return tags

    def environment(self) -> dict[str, str]:
        """See `environment.py`."""
        return environment()

    def invented_name(self) -> str:
        """See `invented_name.py`."""
        return invented_name()

    def is_there(self, header: dict[str, Any], run_id: str, is_known: bool) -> bool:
        """See `resumed_run.py`."""
        return is_there(header, run_id, is_known)

    def close_dead(self, uri: str) -> None:
        """Closes the runs of dead processes; the next run closes those that remain."""
        with _connecting, connected_to(uri), contextlib.suppress(*STORE_ERRORS):
            close_dead(uri)

    def local_page(self, uri: str, run_id: str) -> str | None:
        """See `ui_pages.py`."""
        with _connecting:
            return local_address(uri, page_of_run, run_id)

    def write_model(self, path: str, folder: str, rows: dict[str, Any]) -> str:
        """See `mlflow_model.py`; returns a digest of the written files."""
        shutil.rmtree(path, ignore_errors=True)  # of a worker that has ended meanwhile
        write_model(Path(path), Path(folder), rows)
        return digest(Path(path))

    def draw(self, request: str, folder: str) -> list[str]:
        """Draws figures, each as `NAME.png`; returns their names.

        Args:
            request: File with a pickled function that returns figures by name.
            folder: Where to write the pictures.

        Raises:
            OSError: The disk is full.
        """
        figures = pickle.loads(Path(request).read_bytes())
        with _drawing:
            drawn = figures()
            for name, figure in drawn.items():
                figure.savefig(Path(folder) / f"{name}.png")
        return list(drawn)

    def fail(self, uri: str, run_id: str, why: str) -> None:
        """Closes a run as FAILED, whatever its journal contains."""
        client = MlflowClient(uri)
        client.set_tag(run_id, "error", why)
        client.set_terminated(run_id, "FAILED")
