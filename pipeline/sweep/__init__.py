"""Sweeps: what surrounds their trials, so that none is lost and none is run twice."""

from pipeline.sweep.job import Stopped, job
from pipeline.sweep.parent import parent
from pipeline.sweep.search import register
from pipeline.sweep.search.outcome import Outcome

__all__ = ["Outcome", "Stopped", "job", "parent", "register"]
