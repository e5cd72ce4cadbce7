"""How far training has come, kept on the disk, so that the same command goes on where a process died."""

from pipeline.fit.checkpoint.file import Checkpoint
from pipeline.fit.checkpoint.keeping import Checkpoints, Keeping, keeping
from pipeline.fit.checkpoint.origins import of_data
from pipeline.fit.checkpoint.state import assign, values_of

__all__ = ["Checkpoint", "Checkpoints", "Keeping", "assign", "keeping", "of_data", "values_of"]
