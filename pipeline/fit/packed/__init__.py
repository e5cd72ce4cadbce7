"""Trains many dense networks of one shape as one, so that work which the jobs of a sweep share is done once."""

from pipeline.fit.packed.member import Job
from pipeline.fit.packed.packable import shape, why_alone
from pipeline.fit.packed.stack import dense_layers
from pipeline.fit.packed.training import Pack

__all__ = ["Job", "Pack", "dense_layers", "shape", "why_alone"]
