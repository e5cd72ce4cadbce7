"""The sweep that this process leads, if it leads one, for whoever works below it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.config import Command
from pipeline.sweep.progress import Progress


@dataclass(frozen=True)
class OpenSweep:
    """A sweep that this process leads."""

    command: Command
    origins: dict[str, str]  # what its trials follow from, see `origins_of`
    progress: Progress


OF_THE_ROWS = "pipeline.data"  # logger of what is the same for each trial, and said of the first

_of_this_process: list[OpenSweep] = []


def is_open_here() -> bool:
    """Whether the sweep's own process is this one, rather than one that a launcher started."""
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
