"""Sweeps: what they add to their jobs."""

from pipeline.sweep.parent import named, parent, reported_errors, show_result

__all__ = ["named", "parent", "reported_errors", "show_result"]
