"""The sweep and the job of a process, from its environment: this way they reach the jobs of every launcher."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

PARENT_VARIABLE = "PIPELINE_PARENT_RUN_ID"
JOB_VARIABLE = "PIPELINE_JOB"  # name of the launched job ...
JOB_TAG = "job"  # ... and tag of its run with that name


def parent_run_id() -> str | None:
    """Returns the id of the sweep that runs of this process belong to; None outside of a sweep."""
    return os.environ.get(PARENT_VARIABLE)


@contextlib.contextmanager
def below(run_id: str) -> Iterator[None]:
    """Makes runs that are opened inside the block children of another run."""
    before = os.environ.get(PARENT_VARIABLE)
    os.environ[PARENT_VARIABLE] = run_id
    try:
        yield
    finally:
        del os.environ[PARENT_VARIABLE]
        if before is not None:
            os.environ[PARENT_VARIABLE] = before


def job_tag() -> dict[str, str]:
    """Returns the tag with the name of this process's job; empty without a launcher."""
    name = os.environ.get(JOB_VARIABLE)
    return {} if name is None else {JOB_TAG: name}
