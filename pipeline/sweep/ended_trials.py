"""Progress of trials on third-party launchers, such as Hydra's for Slurm: each trial writes a file when it ends.

Such a launcher returns all results together after the last job. Until then the process that leads the sweep reads the
files; it shares the folder of the sweep with the jobs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.plugins.launcher import Launcher

from pipeline.runtime.atomic_files import whole_file
from pipeline.sweep.current_sweep import open_here

log = logging.getLogger(__name__)

VARIABLE = "PIPELINE_ENDED_TRIALS"  # environment variable with the folder, for the jobs
POLL_SECONDS = 1.0


def report(words: str, outcome: str, was_run: bool) -> None:
    """Writes the file of a trial, if the process that leads the sweep reads such files.

    Args:
        words: The overrides that distinguish the trial.
        outcome: Its result.
        was_run: Whether this command ran it, rather than skipping a finished trial.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return
    with (
        contextlib.suppress(OSError),  # that process has ended, or does not share the folder
        whole_file(Path(folder) / f"{uuid.uuid4().hex}.json") as unfinished,
    ):
        unfinished.write_text(json.dumps({"words": words, "outcome": outcome, "was_run": was_run}), encoding="utf-8")


@contextlib.contextmanager
def followed(launcher: Launcher, folder: Path) -> Iterator[None]:
    """Logs a line for each trial as it ends, on third-party launchers only.

    Args:
        launcher: Launcher of the sweep.
        folder: Of the sweep; made if it is missing.
    """
    if hasattr(launcher, "stream") or _is_basic(launcher):  # these log trials as they end
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ended-", dir=folder.absolute()) as reports:
        is_over = threading.Event()
        reader = threading.Thread(target=_follow, args=(Path(reports), is_over), daemon=True)
        os.environ[VARIABLE] = reports
        reader.start()
        try:
            yield
        finally:
            del os.environ[VARIABLE]
            is_over.set()
            reader.join()


def _is_basic(launcher: Launcher) -> bool:
    """Whether it is Hydra's serial launcher, whose module Hydra loads once more when it looks for plugins."""
    return any(kind.__module__ == BasicLauncher.__module__ for kind in type(launcher).__mro__)


def _follow(folder: Path, is_over: threading.Event) -> None:
    is_last = False
    while not is_last:
        is_last = is_over.wait(POLL_SECONDS)  # reads once more at the end
        for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime):
            log.info(open_here().progress.ended(**json.loads(path.read_text(encoding="utf-8"))))
            path.unlink()
