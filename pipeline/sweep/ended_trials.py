"""Progress of trials that other packages' launchers run, such as Hydra's for Slurm: a file for each that has ended.

Such a launcher returns all results at once, when the last job has ended. The process that leads the sweep reads the
files meanwhile; it and the jobs share the folder of the sweep anyway.
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

VARIABLE = "PIPELINE_ENDED_TRIALS"  # the folder; by the environment it reaches the jobs
POLL_SECONDS = 1.0


def report(words: str, outcome: str, was_run: bool) -> None:
    """Writes the file of a trial, where the process that leads the sweep reads such files.

    Args:
        words: What tells it from the others.
        outcome: What it came to.
        was_run: Whether it took its time, rather than having been finished before.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return
    with (
        contextlib.suppress(OSError),  # that process has ended, or is on a machine that shares no folder
        whole_file(Path(folder) / f"{uuid.uuid4().hex}.json") as unfinished,
    ):
        unfinished.write_text(json.dumps({"words": words, "outcome": outcome, "was_run": was_run}), encoding="utf-8")


@contextlib.contextmanager
def followed(launcher: Launcher, folder: Path) -> Iterator[None]:
    """Prints a line for each trial as it ends, where the launcher is neither ours nor Hydra's serial one.

    Args:
        launcher: That runs the trials.
        folder: Of the sweep; it is made if need be.
    """
    if hasattr(launcher, "stream") or isinstance(launcher, BasicLauncher):  # whose trials are told of as they end
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


def _follow(folder: Path, is_over: threading.Event) -> None:
    is_last = False
    while not is_last:
        is_last = is_over.wait(POLL_SECONDS)  # what has come by then is read once more
        for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime):
            log.info(open_here().progress.ended(**json.loads(path.read_text(encoding="utf-8"))))
            path.unlink()
