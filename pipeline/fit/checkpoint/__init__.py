"""Checkpoints of training, so that the same command resumes a run whose process ended."""

from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.fit.checkpoint.keeping import Checkpoints, Keeping, keeping
from pipeline.fit.checkpoint.origins import of_data
from pipeline.fit.checkpoint.state import assign, values_of

__all__ = ["Checkpoint", "Checkpoints", "Keeping", "assign", "keeping", "of_data", "values_of"]
