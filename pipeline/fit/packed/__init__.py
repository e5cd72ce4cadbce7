"""Trains many dense networks as one, so that work which the jobs of a sweep share is done once."""

from pipeline.fit.packed.member import Job
from pipeline.fit.packed.packable import packs, shape, why_alone
from pipeline.fit.packed.stack import layers_of
from pipeline.fit.packed.training import Pack

__all__ = ["Job", "Pack", "layers_of", "packs", "shape", "why_alone"]
