"""Sweeps: what surrounds their trials, so that none is lost and none is run twice."""

from pipeline.sweep import search
from pipeline.sweep.search.outcome import Outcome
from pipeline.sweep.start_or_resume import parent
from pipeline.sweep.trial_job import SweepAborted, job


def register() -> None:
    """Tells Hydra of the sweepers."""
    search.register()
    from pipeline.sweep import grid  # after that, see there

    grid.register()


__all__ = ["Outcome", "SweepAborted", "job", "parent", "register"]
