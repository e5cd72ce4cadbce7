"""Tables that do not fit in memory: read in blocks, again in each pass."""

from pipeline.data.streaming.budget import streams
from pipeline.data.streaming.survey import load_streamed

__all__ = ["load_streamed", "streams"]
