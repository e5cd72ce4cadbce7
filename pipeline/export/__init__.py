"""The model that leaves home: raw columns in, original units out; assembled, saved, reloaded and compared."""

from pipeline.export.assemble import Assembled, assemble, in_batches
from pipeline.export.saved_model import TOLERANCE, difference, save, verify

__all__ = ["TOLERANCE", "Assembled", "assemble", "difference", "in_batches", "save", "verify"]
