"""Which rows train, validate and test."""

from pipeline.data.splits.duplicates import duplicates_across
from pipeline.data.splits.kinds import split
from pipeline.data.splits.parts import Splits

__all__ = ["Splits", "duplicates_across", "split"]
