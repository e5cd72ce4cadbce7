"""The sweep that this process leads, if any, for the code that runs its trials."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.config import Command
from pipeline.sweep.progress import Progress


@dataclass(frozen=True)
class OpenSweep:
    """A sweep that this process leads, with its progress."""

    command: Command
    origins: dict[str, str]  # what the results of its trials depend on, see `origins_of`
    progress: Progress


OF_THE_ROWS = "pipeline.data"  # logger of lines that are the same for each trial, shown for the first one only

_of_this_process: list[OpenSweep] = []


def is_open_here() -> bool:
    """Whether this process leads the sweep, rather than being a launcher's worker."""
    return bool(_of_this_process)


def open_here() -> OpenSweep:
    """The sweep that this process leads."""
    return _of_this_process[-1]


@contextlib.contextmanager
def leading(sweep: OpenSweep) -> Iterator[None]:
    """Has it open in this process."""
    _of_this_process.append(sweep)
    try:
        yield
    finally:
        _of_this_process.pop()
