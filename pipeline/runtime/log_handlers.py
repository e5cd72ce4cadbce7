"""Where the log goes: the screen and a file. One that cannot be written is told once; by itself each line would be."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from pipeline.runtime.atomic_files import room
from pipeline.runtime.stderr import tell


class Screen(logging.StreamHandler):
    """Standard output, which may be a file on a disk that is full."""

    _is_told = False
    _path: str | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Says once what is wrong, and by which file system; what is no error of the disk is left to `logging`."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or isinstance(error, BrokenPipeError):
            super().handleError(record)
        elif not self._is_told:
            self._is_told = True
            where = "the log" if self._path is None else self._path
            left = "" if self._path is None else f"; {room(Path(self._path))}"
            tell(f"{where} cannot be written: {error.strerror}{left}; the command goes on without")


class LogFile(Screen, logging.FileHandler):
    """A file in Hydra's folder."""

    def __init__(self, filename: str) -> None:
        logging.FileHandler.__init__(self, filename)
        self._path = self.baseFilename
