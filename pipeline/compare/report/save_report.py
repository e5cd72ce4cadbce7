"""Saves a report to a sweep's parent run or to a file."""

from __future__ import annotations

from pathlib import Path

from pipeline import track
from pipeline.compare.findings import Findings
from pipeline.compare.report import render
from pipeline.compare.text_output import as_csv
from pipeline.errors import PipelineError
from pipeline.runtime.atomic_files import whole_file

REPORT, TABLE = "comparison/report.html", "comparison/leaderboard.csv"


def log(run_id: str, found: Findings) -> str:
    """Logs the page and the table to a run, and returns the page's address.

    Args:
        run_id: Id of the run.
        found: Content of the report.
    """
    return track.log_texts(run_id, {REPORT: render(found), TABLE: as_csv(found.comparison, None)})[REPORT]


def write(path: Path, found: Findings) -> str:
    """Writes the page to a file atomically, and returns its path.

    Args:
        path: File to write.
        found: Content of the report.

    Raises:
        PipelineError: The file cannot be written.
    """
    page = render(found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            unfinished.write_text(page, encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"--report: {path} cannot be written: {error.strerror}; name another file") from None
    return str(path.absolute())
