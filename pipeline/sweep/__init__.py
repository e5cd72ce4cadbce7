"""Sweeps: parent runs, trials that run once and are never lost, and searches."""

from pipeline.sweep import search
from pipeline.sweep.search.outcome import Outcome
from pipeline.sweep.start_or_resume import parent
from pipeline.sweep.trial_job import SweepAborted, job


def register() -> None:
    """Registers the sweepers with Hydra."""
    search.register()
    from pipeline.sweep import grid  # its module must be imported later, see its docstring

    grid.register()


__all__ = ["Outcome", "SweepAborted", "job", "parent", "register"]
