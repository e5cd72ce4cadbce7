"""Divides rows into train, validation and test parts."""

from pipeline.data.splits.divide import split
from pipeline.data.splits.parts import Splits

__all__ = ["Splits", "split"]
