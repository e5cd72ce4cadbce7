"""Tables that do not fit in memory: each pass reads them in blocks."""

from pipeline.data.streaming.budget import streams
from pipeline.data.streaming.survey import load_streamed

__all__ = ["load_streamed", "streams"]
