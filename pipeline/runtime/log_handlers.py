"""Log handlers for terminal and file, which report once, not for each line, that they cannot be written."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from pipeline.runtime.atomic_files import room
from pipeline.runtime.stderr import tell


class Screen(logging.StreamHandler):
    """Logs to standard output, which may be a file on a full disk."""

    _is_reported = False
    _path: str | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Reports an error of the disk once, with the file system; leaves other errors to `logging`."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or isinstance(error, BrokenPipeError):
            super().handleError(record)
        elif not self._is_reported:
            self._is_reported = True
            where = "the log" if self._path is None else self._path
            left = "" if self._path is None else f"; {room(Path(self._path))}"
            tell(f"{where} cannot be written: {error.strerror}{left}; the command continues without it")


class LogFile(Screen, logging.FileHandler):
    """Logs to a file in Hydra's output folder."""

    def __init__(self, filename: str) -> None:
        logging.FileHandler.__init__(self, filename)
        self._path = self.baseFilename
